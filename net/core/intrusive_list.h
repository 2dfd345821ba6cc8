// A doubly linked list threaded through its elements: no allocation, O(1) unlink.
//
// T derives from ListHook<Tag>; one element may be in several lists with different tags, in each
// at most once. The list owns nothing. An element may unlink itself at any time; a hook that is
// destroyed while linked unlinks itself. Not thread-safe.
#pragma once

#include "net/core/assert.h"

#include <cstddef>

namespace sk {

template <typename Tag>
class ListHook {
 public:
  ListHook() = default;
  ListHook(const ListHook&) = delete;
  ListHook& operator=(const ListHook&) = delete;
  ~ListHook() { unlink(); }

  [[nodiscard]] bool linked() const { return next_ != nullptr; }

  void unlink() {
    if (next_ != nullptr) {
      prev_->next_ = next_;
      next_->prev_ = prev_;
      next_ = nullptr;
      prev_ = nullptr;
    }
  }

 private:
  template <typename T, typename U>
  friend class IntrusiveList;

  ListHook* prev_ = nullptr;
  ListHook* next_ = nullptr;
};

template <typename T, typename Tag = T>
class IntrusiveList {
 public:
  using Hook = ListHook<Tag>;

  IntrusiveList() {
    head_.prev_ = &head_;
    head_.next_ = &head_;
  }
  // What is still linked is let go, so that no hook points at a list that is gone.
  ~IntrusiveList() {
    while (!empty()) {
      pop_front();
    }
    head_.next_ = nullptr;
    head_.prev_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  [[nodiscard]] bool empty() const { return head_.next_ == &head_; }
  [[nodiscard]] T& front() { return element(*head_.next_); }

  void push_back(T& item) { insert(head_, item); }
  void push_front(T& item) { insert(*head_.next_, item); }

  T& pop_front() {
    SK_DEBUG_ASSERT(!empty());
    Hook& hook = *head_.next_;
    hook.unlink();
    return element(hook);
  }

  // Moves every element of other behind those of this list.
  void splice_back(IntrusiveList& other) {
    if (other.empty()) {
      return;
    }
    Hook* first = other.head_.next_;
    Hook* last = other.head_.prev_;
    other.head_.next_ = &other.head_;
    other.head_.prev_ = &other.head_;
    first->prev_ = head_.prev_;
    head_.prev_->next_ = first;
    last->next_ = &head_;
    head_.prev_ = last;
  }

  // Calls visit(T&) on each element; visit may unlink the element it was given, no other.
  template <typename Visit>
  void for_each(Visit visit) {
    for (Hook* hook = head_.next_; hook != &head_;) {
      Hook* next = hook->next_;
      visit(element(*hook));
      hook = next;
    }
  }

 private:
  static T& element(Hook& hook) { return static_cast<T&>(hook); }

  void insert(Hook& before, T& item) {
    Hook& hook = item;
    SK_DEBUG_ASSERT(!hook.linked());
    hook.prev_ = before.prev_;
    hook.next_ = &before;
    before.prev_->next_ = &hook;
    before.prev_ = &hook;
  }

  Hook head_;
};

}  // namespace sk
