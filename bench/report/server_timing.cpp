#include "bench/report/server_timing.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

namespace sk::bench {
namespace {

constexpr std::size_t kStageNameBytesMax = 64;
constexpr double kDurationMaxMs = 3'600'000;

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) {
    text.remove_prefix(1);
  }
  while (!text.empty() && is_space(text.back())) {
    text.remove_suffix(1);
  }
  return text;
}

// A token of RFC 9110, section 5.6.2.
bool is_token(std::string_view text) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           kMarks.contains(c);
  });
}

// The text before the first `separator` that does not stand in a quoted string; takes it, and the
// separator, from the front of `rest`.
std::string_view take_until(std::string_view& rest, char separator) {
  bool quoted = false;
  std::size_t i = 0;
  for (; i < rest.size(); ++i) {
    if (quoted && rest[i] == '\\') {
      ++i;
    } else if (rest[i] == '"') {
      quoted = !quoted;
    } else if (rest[i] == separator && !quoted) {
      break;
    }
  }
  const std::string_view part = rest.substr(0, i);
  rest.remove_prefix(std::min(i + 1, rest.size()));
  return trimmed(part);
}

bool is_dur(std::string_view name) {
  return name.size() == 3 && (name[0] | 0x20) == 'd' && (name[1] | 0x20) == 'u' &&
         (name[2] | 0x20) == 'r';
}

std::optional<std::chrono::nanoseconds> duration_of(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view value = take_until(parameters, ';');
    const std::string_view name = take_until(value, '=');
    if (!is_dur(name)) {
      continue;
    }
    value = trimmed(value);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    double milliseconds = 0;
    const auto read = std::from_chars(value.data(), value.data() + value.size(), milliseconds);
    if (read.ec != std::errc{} || read.ptr != value.data() + value.size() ||
        !std::isfinite(milliseconds) || milliseconds < 0 || milliseconds > kDurationMaxMs) {
      return std::nullopt;
    }
    return std::chrono::nanoseconds(std::llround(milliseconds * 1e6));
  }
  return std::nullopt;
}

}  // namespace

std::size_t read_server_timing(std::string_view field, std::span<TimedStage> out) {
  std::size_t count = 0;
  while (!field.empty() && count < out.size()) {
    std::string_view metric = take_until(field, ',');
    const std::string_view name = take_until(metric, ';');
    if (!is_token(name) || name.size() > kStageNameBytesMax) {
      continue;
    }
    if (const auto duration = duration_of(metric)) {
      out[count++] = {name, *duration};
    }
  }
  return count;
}

}  // namespace sk::bench
