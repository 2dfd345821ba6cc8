// Scalars as text, as they stand in paths, query strings, header values and the environment.
//
// Integers are decimal without sign '+', spaces or leading zeros beyond one; bool is true, false, 1
// or 0; Timestamp is RFC 3339. The error completes a sentence: "must be a whole number".
#pragma once

#include "app/timestamp.h"

#include <charconv>
#include <cmath>
#include <concepts>
#include <expected>
#include <limits>
#include <string>
#include <string_view>

namespace sk::app {

template <typename T>
concept Scalar = std::integral<T> || std::floating_point<T> || std::same_as<T, std::string> ||
                 std::same_as<T, Timestamp>;

namespace scalar_detail {

template <typename N>
bool whole_text(std::string_view text, N& out, std::errc& error) {
  const auto result = std::from_chars(text.data(), text.data() + text.size(), out);
  error = result.ec;
  return result.ptr == text.data() + text.size();
}

}  // namespace scalar_detail

template <Scalar T>
[[nodiscard]] std::expected<T, std::string> parse_scalar(std::string_view text) {
  if constexpr (std::same_as<T, std::string>) {
    return std::string(text);
  } else if constexpr (std::same_as<T, bool>) {
    if (text == "true" || text == "1") {
      return true;
    }
    if (text == "false" || text == "0") {
      return false;
    }
    return std::unexpected("must be true or false");
  } else if constexpr (std::same_as<T, Timestamp>) {
    const auto time = parse_timestamp(text);
    if (!time) {
      return std::unexpected("must be a time such as 2026-01-31T09:05:07Z (RFC 3339)");
    }
    return *time;
  } else if constexpr (std::integral<T>) {
    using Limits = std::numeric_limits<T>;
    const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
    T value{};
    std::errc error{};
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos ||
        (digits.size() > 1 && digits[0] == '0')) {
      return std::unexpected("must be a whole number");
    }
    if (!scalar_detail::whole_text(text, value, error) || error != std::errc{}) {
      return std::unexpected("must be between " + std::to_string(Limits::min()) + " and " +
                             std::to_string(Limits::max()));
    }
    return value;
  } else {
    T value{};
    std::errc error{};
    if (!scalar_detail::whole_text(text, value, error) || error != std::errc{} ||
        !std::isfinite(value)) {
      return std::unexpected("must be a number");
    }
    return value;
  }
}

}  // namespace sk::app
