// Durations as milliseconds with three decimals, "12.345", as log, headers and documents show them.
#pragma once

#include "net/core/time.h"

#include <array>
#include <string_view>

namespace sk {

class MillisText {
 public:
  // Whole microseconds; negative ones are written as 0.000.
  explicit MillisText(Duration duration) noexcept;
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 24> text_;
  std::size_t size_;
};

}  // namespace sk
