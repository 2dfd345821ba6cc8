#include "net/http/fields.h"

#include "net/http/ascii.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace sk {
namespace {

constexpr std::size_t kFirstCapacity = 24;

}  // namespace

Fields::Fields(Fields&& other) noexcept
    : arena_(std::move(other.arena_)),
      data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      capacity_(std::exchange(other.capacity_, 0)),
      present_(std::exchange(other.present_, HeaderIdSet())),
      overflowed_(std::exchange(other.overflowed_, false)) {}

Fields& Fields::operator=(Fields&& other) noexcept {
  if (this != &other) {
    arena_ = std::move(other.arena_);
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
    capacity_ = std::exchange(other.capacity_, 0);
    present_ = std::exchange(other.present_, HeaderIdSet());
    overflowed_ = std::exchange(other.overflowed_, false);
  }
  return *this;
}

bool Fields::grow() {
  if (capacity_ >= kCountMax) {
    return false;
  }
  const std::size_t capacity = capacity_ == 0 ? kFirstCapacity : std::min(capacity_ * 2, kCountMax);
  char* memory = arena_.allocate(capacity * sizeof(HeaderField), alignof(HeaderField));
  if (memory == nullptr) {
    return false;
  }
  auto* data = reinterpret_cast<HeaderField*>(memory);
  std::uninitialized_copy_n(data_, size_, data);
  data_ = data;
  capacity_ = capacity;
  return true;
}

bool Fields::append(const HeaderField& field) {
  if (size_ == capacity_ && !grow()) {
    overflowed_ = true;
    return false;
  }
  data_[size_++] = field;
  present_.add(field.id());
  return true;
}

bool Fields::add(HeaderId id, std::string_view value) {
  const std::string_view copy = arena_.copy(value);
  if (copy.size() != value.size()) {
    overflowed_ = true;
    return false;
  }
  return append(HeaderField(id, copy));
}

bool Fields::add(std::string_view name, std::string_view value) {
  const HeaderId id = find_header_id(name);
  if (id != HeaderId::unknown) {
    return add(id, value);
  }
  const std::string_view name_copy = arena_.copy(name);
  const std::string_view value_copy = arena_.copy(value);
  if (name_copy.size() != name.size() || value_copy.size() != value.size() ||
      name.size() > kNameBytesMax) {
    overflowed_ = true;
    return false;
  }
  return append(HeaderField(name_copy, value_copy));
}

bool Fields::add_view(HeaderId id, std::string_view value) {
  return append(HeaderField(id, value));
}

bool Fields::add_view(std::string_view name, std::string_view value) {
  return add_view(find_header_id(name), name, value);
}

bool Fields::add_view(HeaderId id, std::string_view name, std::string_view value) {
  if (id != HeaderId::unknown) {
    return append(HeaderField(id, value));
  }
  if (name.size() > kNameBytesMax) {
    overflowed_ = true;
    return false;
  }
  return append(HeaderField(name, value));
}

bool Fields::set(HeaderId id, std::string_view value) {
  if (has(id)) {
    remove(id);
  }
  return add(id, value);
}

const HeaderField* Fields::find(HeaderId id) const noexcept {
  if (!present_.has(id) || id == HeaderId::unknown) {
    return nullptr;
  }
  for (const HeaderField& field : *this) {
    if (field.id() == id) {
      return &field;
    }
  }
  return nullptr;
}

const HeaderField* Fields::find(std::string_view name) const noexcept {
  const HeaderId id = find_header_id(name);
  if (id != HeaderId::unknown) {
    return find(id);
  }
  for (const HeaderField& field : *this) {
    if (field.id() == HeaderId::unknown && iequals(field.name(), name)) {
      return &field;
    }
  }
  return nullptr;
}

std::size_t Fields::count(HeaderId id) const noexcept {
  if (!present_.has(id)) {
    return 0;
  }
  return static_cast<std::size_t>(
      std::count_if(begin(), end(), [id](const HeaderField& field) { return field.id() == id; }));
}

std::size_t Fields::remove(HeaderId id) noexcept {
  if (!present_.has(id)) {
    return 0;
  }
  return remove_if([id](const HeaderField& field) { return field.id() == id; });
}

void Fields::reset() noexcept {
  arena_.reset();
  data_ = nullptr;
  size_ = 0;
  capacity_ = 0;
  present_.clear();
  overflowed_ = false;
}

void Fields::release() noexcept {
  reset();
  arena_.release();
}

}  // namespace sk
