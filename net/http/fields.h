// Fields: the ordered header (or trailer) fields of one message, and the bytes they point into.
//
// A field is two views: its name (canonical static text where the id is known) and its value. The
// bytes live in the arena that Fields owns, or are static, or belong to somebody who outlives it
// (add_view). Order and repetition are kept: Set-Cookie must never be merged (RFC 9110 5.3).
// Moving keeps all views valid. Nothing is validated here: parsers validate what comes in and the
// serialisers validate what goes out.
//
// Bounded by kCountMax fields and HeadArena::kBytesMax bytes. What does not fit is dropped and
// remembered: complete() is false from then on, and no serialiser writes an incomplete head.
#pragma once

#include "net/http/head_arena.h"
#include "net/http/header_id.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sk {

class HeaderField {
 public:
  HeaderField() = default;
  HeaderField(HeaderId id, std::string_view value) noexcept
      : value_(value.data()), value_size_(static_cast<std::uint32_t>(value.size())), id_(id) {}
  HeaderField(std::string_view name, std::string_view value) noexcept
      : name_(name.data()),
        value_(value.data()),
        value_size_(static_cast<std::uint32_t>(value.size())),
        name_size_(static_cast<std::uint16_t>(name.size())) {}

  [[nodiscard]] HeaderId id() const noexcept { return id_; }
  [[nodiscard]] std::string_view name() const noexcept {
    return id_ != HeaderId::unknown ? header_name(id_) : std::string_view(name_, name_size_);
  }
  [[nodiscard]] std::string_view value() const noexcept { return {value_, value_size_}; }

 private:
  const char* name_ = nullptr;  // unset where the id is known
  const char* value_ = nullptr;
  std::uint32_t value_size_ = 0;
  std::uint16_t name_size_ = 0;
  HeaderId id_ = HeaderId::unknown;
};

class Fields {
 public:
  static constexpr std::size_t kCountMax = 256;
  static constexpr std::size_t kNameBytesMax = 65535;

  Fields() = default;
  Fields(Fields&& other) noexcept;
  Fields& operator=(Fields&& other) noexcept;
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  ~Fields() = default;

  // Appends a field and copies value (and name, if unknown) into the arena. add(name, ...) looks
  // the id up. False, and complete() turns false, where it did not fit.
  bool add(HeaderId id, std::string_view value);
  bool add(std::string_view name, std::string_view value);

  // The same without copying: name and value are static, in arena(), or outlive this object.
  bool add_view(HeaderId id, std::string_view value);
  bool add_view(std::string_view name, std::string_view value);
  // id is what find_header_id(name) said.
  bool add_view(HeaderId id, std::string_view name, std::string_view value);

  // Replaces every field of that name by one (appended if there was none).
  bool set(HeaderId id, std::string_view value);

  // O(1) where there is no such field, else a scan. nullptr if absent.
  [[nodiscard]] const HeaderField* find(HeaderId id) const noexcept;
  // Any name, case-insensitive.
  [[nodiscard]] const HeaderField* find(std::string_view name) const noexcept;

  [[nodiscard]] bool has(HeaderId id) const noexcept { return present_.has(id); }
  [[nodiscard]] bool has_any(const HeaderIdSet& ids) const noexcept {
    return present_.intersects(ids);
  }
  // Value of the first field of that name; empty if absent (ask has() to tell from an empty value).
  [[nodiscard]] std::string_view get(HeaderId id) const noexcept {
    const HeaderField* field = find(id);
    return field != nullptr ? field->value() : std::string_view();
  }
  [[nodiscard]] std::string_view get(std::string_view name) const noexcept {
    const HeaderField* field = find(name);
    return field != nullptr ? field->value() : std::string_view();
  }
  [[nodiscard]] std::size_t count(HeaderId id) const noexcept;

  // Removes all fields of that name; order of the others is kept. Returns how many went.
  std::size_t remove(HeaderId id) noexcept;
  // predicate(const HeaderField&) -> bool, called once per field in order.
  template <typename Predicate>
  std::size_t remove_if(Predicate predicate) noexcept {
    std::size_t kept = 0;
    HeaderIdSet present;
    for (std::size_t i = 0; i < size_; ++i) {
      if (!predicate(static_cast<const HeaderField&>(data_[i]))) {
        present.add(data_[i].id());
        data_[kept++] = data_[i];
      }
    }
    const std::size_t removed = size_ - kept;
    size_ = kept;
    present_ = present;
    return removed;
  }

  [[nodiscard]] std::span<const HeaderField> all() const noexcept { return {data_, size_}; }
  [[nodiscard]] const HeaderField* begin() const noexcept { return data_; }
  [[nodiscard]] const HeaderField* end() const noexcept { return data_ + size_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }

  // False if a field was dropped because a bound was reached.
  [[nodiscard]] bool complete() const noexcept { return !overflowed_; }

  // Where the bytes live. Others may put bytes of the same message there (target, body prefix).
  [[nodiscard]] HeadArena& arena() noexcept { return arena_; }

  // Empties it for the next message and keeps one block; release() keeps nothing.
  void reset() noexcept;
  void release() noexcept;

 private:
  bool append(const HeaderField& field);
  bool grow();

  HeadArena arena_;
  HeaderField* data_ = nullptr;  // in arena_
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  HeaderIdSet present_;  // holds HeaderId::unknown too; meaningless for it
  bool overflowed_ = false;
};

}  // namespace sk
