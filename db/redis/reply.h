// Reply is Redis' answer to one command, and ReplyView looks at it or at a part of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace sk::redis {

enum class ReplyType : std::uint8_t {
  nil,
  text,  // bulk, simple and verbatim strings, big numbers
  integer,
  real,
  boolean,
  array,  // arrays and sets
  map,    // elements alternate: key, value
  error,  // only inside an array: as the answer to a command it is a redis::Error
};

// Valid as long as the Reply it came from.
class ReplyView {
 public:
  explicit ReplyView(const void* native) : native_(native) {}

  [[nodiscard]] ReplyType type() const;
  [[nodiscard]] bool is_nil() const { return type() == ReplyType::nil; }
  [[nodiscard]] std::string_view text() const;  // also of errors and reals; else empty
  [[nodiscard]] std::int64_t integer() const;   // also of booleans; else 0
  [[nodiscard]] double real() const;
  [[nodiscard]] std::size_t size() const;               // elements of arrays and maps; else 0
  [[nodiscard]] ReplyView at(std::size_t index) const;  // index < size(), asserted

 private:
  const void* native_;
};

class Reply {
 public:
  Reply() = default;
  explicit Reply(void* native) : native_(native) {}  // for the connection: takes ownership
  [[nodiscard]] ReplyView view() const { return ReplyView(native_.get()); }
  [[nodiscard]] explicit operator bool() const { return native_ != nullptr; }

 private:
  struct Free {
    void operator()(void* native) const;
  };
  std::unique_ptr<void, Free> native_;
};

}  // namespace sk::redis
