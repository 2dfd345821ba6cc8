#include "app/field_error.h"

#include <algorithm>
#include <utility>

namespace sk::app {

TextPosition position_in(std::string_view text, std::size_t offset) noexcept {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = static_cast<std::uint64_t>(std::ranges::count(before, '\n'));
  const std::size_t line_start = before.rfind('\n');
  const std::size_t column =
      line_start == std::string_view::npos ? before.size() : before.size() - line_start - 1;
  return {lines + 1, column + 1};
}

FieldError body_error(std::string field, std::string_view body, std::size_t offset,
                      std::string message) {
  const TextPosition place = position_in(body, offset);
  return FieldError{.field = std::move(field),
                    .in = "body",
                    .position = offset,
                    .line = place.line,
                    .column = place.column,
                    .message = std::move(message)};
}

}  // namespace sk::app
