#include "net/http/head_arena.h"

#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace sk {

struct HeadArena::Block {
  Block* next = nullptr;
  std::size_t size = 0;  // whole block, this header included
};

namespace {

constexpr std::size_t kHeaderBytes = 16;
constexpr std::array<std::size_t, 3> kSizes = {4096, 16 * 1024, 64 * 1024};
// Kept per thread and size at most: 4 + 2 + 2 MiB. What is above goes back to the allocator.
constexpr std::array<std::size_t, 3> kKeptMax = {1024, 128, 32};

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kPooled = false;  // every block fresh, so that a use after release is seen
#else
constexpr bool kPooled = true;
#endif

// Free blocks of one thread, linked through their first word.
struct FreeLists {
  struct Node {
    Node* next;
  };
  std::array<Node*, kSizes.size()> heads{};
  std::array<std::size_t, kSizes.size()> counts{};

  FreeLists() = default;
  FreeLists(const FreeLists&) = delete;
  FreeLists& operator=(const FreeLists&) = delete;
  ~FreeLists() {
    for (Node* node : heads) {
      while (node != nullptr) {
        Node* next = node->next;
        ::operator delete(node);
        node = next;
      }
    }
    // A head that outlives this (another thread_local) must not push into dead lists.
    counts = kKeptMax;
    heads = {};
  }
};

thread_local FreeLists free_lists;

void* take(std::size_t size_class) {
  FreeLists& lists = free_lists;
  FreeLists::Node* node = lists.heads[size_class];
  if (node == nullptr) {
    return ::operator new(kSizes[size_class]);
  }
  lists.heads[size_class] = node->next;
  --lists.counts[size_class];
  return node;
}

void give_back(void* memory, std::size_t size) noexcept {
  FreeLists& lists = free_lists;
  for (std::size_t i = 0; kPooled && i < kSizes.size(); ++i) {
    if (size == kSizes[i] && lists.counts[i] < kKeptMax[i]) {
      auto* node = new (memory) FreeLists::Node{lists.heads[i]};
      lists.heads[i] = node;
      ++lists.counts[i];
      return;
    }
  }
  ::operator delete(memory);
}

}  // namespace

HeadArena::HeadArena(HeadArena&& other) noexcept
    : blocks_(std::exchange(other.blocks_, nullptr)),
      data_(std::exchange(other.data_, nullptr)),
      used_(std::exchange(other.used_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      held_(std::exchange(other.held_, 0)) {}

HeadArena& HeadArena::operator=(HeadArena&& other) noexcept {
  if (this != &other) {
    release();
    blocks_ = std::exchange(other.blocks_, nullptr);
    data_ = std::exchange(other.data_, nullptr);
    used_ = std::exchange(other.used_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    held_ = std::exchange(other.held_, 0);
  }
  return *this;
}

void HeadArena::enter(Block* block) noexcept {
  data_ = reinterpret_cast<char*>(block) + kHeaderBytes;
  used_ = 0;
  capacity_ = block->size - kHeaderBytes;
}

char* HeadArena::allocate_slow(std::size_t bytes) {
  static_assert(sizeof(Block) <= kHeaderBytes);
  const std::size_t need = bytes + kHeaderBytes;
  if (bytes > kBytesMax || held_ + need > kBytesMax) {
    return nullptr;
  }
  std::size_t size_class = 0;
  while (size_class < kSizes.size() && kSizes[size_class] < need) {
    ++size_class;
  }
  // After the first block grow in larger steps: a head that needs a second one is not a small head.
  if (blocks_ != nullptr && size_class == 0) {
    size_class = 1;
  }
  const bool pooled = size_class < kSizes.size();
  const std::size_t size = pooled ? kSizes[size_class] : need;
  void* memory = pooled ? take(size_class) : ::operator new(size);
  blocks_ = new (memory) Block{blocks_, size};
  held_ += size;
  enter(blocks_);
  used_ = bytes;
  return data_;
}

std::string_view HeadArena::copy(std::string_view text) {
  char* to = allocate(text.size());
  if (to == nullptr) {
    return {};
  }
  if (!text.empty()) {
    std::memcpy(to, text.data(), text.size());
  }
  return {to, text.size()};
}

void HeadArena::reset() noexcept {
  if (blocks_ == nullptr) {
    return;
  }
  while (blocks_->next != nullptr) {
    Block* next = blocks_->next;
    held_ -= blocks_->size;
    give_back(blocks_, blocks_->size);
    blocks_ = next;
  }
  // Only a small block is worth keeping; a head that began with a large one was an exception.
  if (blocks_->size != kSizes[0]) {
    release();
    return;
  }
  enter(blocks_);
}

void HeadArena::release() noexcept {
  while (blocks_ != nullptr) {
    Block* next = blocks_->next;
    give_back(blocks_, blocks_->size);
    blocks_ = next;
  }
  data_ = nullptr;
  used_ = 0;
  capacity_ = 0;
  held_ = 0;
}

}  // namespace sk
