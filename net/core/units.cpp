#include "net/core/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace sk {
namespace {

struct DurationUnit {
  std::string_view name;
  std::int64_t ns;
};
constexpr std::array<DurationUnit, 5> kDurationUnits = {{
    {"h", 3'600'000'000'000},
    {"m", 60'000'000'000},
    {"s", 1'000'000'000},
    {"ms", 1'000'000},
    {"us", 1'000},
}};

struct SizeUnit {
  std::string_view name;
  std::size_t bytes;
};
constexpr std::array<SizeUnit, 4> kSizeUnits = {
    {{"GiB", 1U << 30}, {"MiB", 1U << 20}, {"KiB", 1U << 10}, {"B", 1}}};

constexpr double kLongestNs = 10'000.0 * 3.6e12;

std::unexpected<Error> not_a_duration() {
  return fail(ErrorCode::malformed, "expected a duration such as \"250ms\", \"30s\" or \"1m\"",
              ErrorOrigin::config);
}

constexpr bool is_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  double total_ns = 0;
  std::int64_t last_unit_ns = INT64_MAX;
  if (text.empty()) {
    return not_a_duration();
  }
  while (!text.empty()) {
    double number = 0;
    const auto [end, error] =
        std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
    if (error != std::errc{} || text.front() < '0' || text.front() > '9') {
      return not_a_duration();
    }
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    std::size_t letters = 0;
    while (letters < text.size() && is_letter(text[letters])) {
      ++letters;
    }
    const std::string_view name = text.substr(0, letters);
    text.remove_prefix(letters);
    std::int64_t unit_ns = 0;
    for (const DurationUnit& unit : kDurationUnits) {
      unit_ns = unit.name == name ? unit.ns : unit_ns;
    }
    if (unit_ns == 0 || unit_ns >= last_unit_ns) {
      return not_a_duration();
    }
    last_unit_ns = unit_ns;
    total_ns += number * static_cast<double>(unit_ns);
  }
  if (!(total_ns <= kLongestNs)) {
    return fail(ErrorCode::too_large, "a duration is at most 10000h", ErrorOrigin::config);
  }
  return Duration(std::llround(total_ns));
}

Result<std::size_t> parse_size(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto digits = static_cast<std::size_t>(end - text.data());
  if (error == std::errc{} && digits > 0) {
    for (const SizeUnit& unit : kSizeUnits) {
      if (text.substr(digits) == unit.name && number <= SIZE_MAX / 2 / unit.bytes) {
        return static_cast<std::size_t>(number) * unit.bytes;
      }
    }
  }
  return fail(ErrorCode::malformed, "expected a size such as \"64KiB\", \"8MiB\" or \"512B\"",
              ErrorOrigin::config);
}

std::string format_duration(Duration duration) {
  const std::int64_t ns = duration.count();
  if (ns == 0) {
    return "0s";
  }
  for (const DurationUnit& unit : kDurationUnits) {
    if (ns % unit.ns == 0) {
      return std::to_string(ns / unit.ns) + std::string(unit.name);
    }
  }
  // Below a microsecond nothing is written in a file; keep the fraction exact all the same.
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, static_cast<double>(ns) / 1000,
                                          std::chars_format::fixed);
  return std::string(text, error == std::errc{} ? end : text) + "us";
}

std::string format_size(std::size_t bytes) {
  for (const SizeUnit& unit : kSizeUnits) {
    if (bytes >= unit.bytes && bytes % unit.bytes == 0) {
      return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
  }
  return "0B";
}

}  // namespace sk
