#include "app/config_setting.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace sk::app {
namespace {

// Takes a decimal number off the front; negative if there is none.
double take_number(std::string_view& text) {
  const std::size_t size = std::min(text.find_first_not_of("0123456789."), text.size());
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + size, value);
  if (result.ec != std::errc{} || result.ptr != text.data() + size) {
    return -1;
  }
  text.remove_prefix(size);
  return value;
}

}  // namespace

std::expected<Duration, std::string> parse_duration(std::string_view text) {
  constexpr const char* kExpected =
      "expected a duration such as \"250ms\", \"30s\", \"2m\" or \"1h\"";
  constexpr double kHoursMax = 10'000;
  const double number = take_number(text);
  const double unit_ns = text == "us"   ? 1e3
                         : text == "ms" ? 1e6
                         : text == "s"  ? 1e9
                         : text == "m"  ? 60e9
                         : text == "h"  ? 3600e9
                                        : 0;
  const double total = number * unit_ns;
  if (!(total > 0) || total > kHoursMax * 3600e9) {
    return std::unexpected(kExpected);
  }
  return Duration(std::llround(total));
}

std::expected<std::size_t, std::string> parse_size(std::string_view text) {
  const double number = take_number(text);
  const double unit = text.empty() || text == "B" ? 1
                      : text == "KiB"             ? 1024
                      : text == "MiB"             ? 1024.0 * 1024
                      : text == "GiB"             ? 1024.0 * 1024 * 1024
                                                  : 0;
  const double total = number * unit;
  if (!(total >= 1) || total > 1e12) {
    return std::unexpected("expected a size such as \"64KiB\" or \"8MiB\"");
  }
  return static_cast<std::size_t>(total);
}

}  // namespace sk::app
