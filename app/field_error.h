// FieldError says which part of a request was wrong, where it stands and what would be right. A
// list of them becomes the "errors" member of a problem document (problem.h).
#pragma once

#include "net/core/struct_fields.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sk::app {

// A list of errors stops growing here; one mistake repeated a thousand times is told 32 times.
inline constexpr std::size_t kFieldErrorsMax = 32;

struct FieldError {
  std::string field;             // "name", "tags[2].label"; the whole body is "body"
  std::string_view in = "body";  // body | path | query | header; static text
  std::optional<std::uint64_t>
      position;                       // bytes from the start of the body, or of the request target
  std::optional<std::uint64_t> line;  // of the body, from 1
  std::optional<std::uint64_t> column;  // in bytes, from 1
  std::string message;                  // "must be a string, not a number"

  friend bool operator==(const FieldError&, const FieldError&) = default;
};

struct TextPosition {
  std::uint64_t line;
  std::uint64_t column;
};

// Line and column, both from 1, of the byte at offset (which may be text.size()).
[[nodiscard]] TextPosition position_in(std::string_view text, std::size_t offset) noexcept;

// A FieldError about the byte at offset of the body.
[[nodiscard]] FieldError body_error(std::string field, std::string_view body, std::size_t offset,
                                    std::string message);

}  // namespace sk::app
