// Writes C++ values as compact JSON; structs are those described by SK_FIELDS
// (net/core/struct_fields.h).
//
//   bool, integers, float, double     numbers; NaN and infinities, which JSON lacks, become null
//   std::string, string_view, char*   strings; bytes that are not UTF-8 become U+FFFD
//   std::optional                     the value or null (a field is never left out)
//   ranges, maps with string keys     arrays, objects
//   Timestamp (any sys_time)          RFC 3339 text with microseconds
//   RawJson                           its text as it is
//
// The names of fields are escaped, quoted and joined with their comma at compile time, so that a
// struct costs one append per name and one per value. Output is always valid JSON if every RawJson
// in it is.
#pragma once

#include "net/core/json_text.h"
#include "net/core/struct_fields.h"

#include "app/raw_json.h"
#include "app/timestamp.h"

#include <array>
#include <charconv>
#include <chrono>
#include <cmath>
#include <concepts>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>

namespace sk::app {

template <typename T>
void write_json(std::string& out, const T& value);

namespace json_detail {

template <typename T>
inline constexpr bool kIsOptional = false;
template <typename T>
inline constexpr bool kIsOptional<std::optional<T>> = true;

template <typename T>
inline constexpr bool kIsSysTime = false;
template <typename D>
inline constexpr bool kIsSysTime<std::chrono::sys_time<D>> = true;

template <typename T>
concept StringMap = std::ranges::input_range<const T> && requires { typename T::mapped_type; } &&
                    std::convertible_to<const typename T::key_type&, std::string_view>;

template <typename T>
concept Character = std::same_as<T, char> || std::same_as<T, wchar_t> || std::same_as<T, char8_t> ||
                    std::same_as<T, char16_t> || std::same_as<T, char32_t>;

// Bytes of text as a JSON string would hold it, with quotes and control characters escaped.
constexpr std::size_t escaped_size(std::string_view text) {
  std::size_t size = 0;
  for (const char c : text) {
    size += c == '"' || c == '\\' ? 2U : static_cast<unsigned char>(c) < 0x20 ? 6U : 1U;
  }
  return size;
}

// `,"name":` for field I (without the comma for the first).
template <Described T, std::size_t I>
consteval auto make_key() {
  constexpr std::string_view kName = field_name<T>(I);
  constexpr std::size_t kLead = I == 0 ? 0 : 1;
  std::array<char, escaped_size(kName) + 3 + kLead> key{};
  std::size_t at = 0;
  if (I != 0) {
    key[at++] = ',';
  }
  key[at++] = '"';
  for (const char c : kName) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      key[at++] = '\\';
      key[at++] = c;
    } else if (byte < 0x20) {
      constexpr std::string_view kHex = "0123456789abcdef";
      for (const char part : std::string_view("\\u00")) {
        key[at++] = part;
      }
      key[at++] = kHex[byte >> 4];
      key[at++] = kHex[byte & 15];
    } else {
      key[at++] = c;
    }
  }
  key[at++] = '"';
  key[at++] = ':';
  return key;
}

template <Described T, std::size_t I>
inline constexpr auto kKey = make_key<T, I>();

template <std::integral I>
void write_integer(std::string& out, I value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

template <std::floating_point F>
void write_floating(std::string& out, F value) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[64];
  const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
  out.append(digits, static_cast<std::size_t>(end - digits));
}

inline void write_time(std::string& out, Timestamp time) {
  char text[kTimestampBytesMax + 2];
  text[0] = '"';
  const std::size_t size = format_timestamp(std::span<char>(text + 1, kTimestampBytesMax), time);
  text[size + 1] = '"';
  out.append(text, size + 2);
}

template <Described T>
void write_struct(std::string& out, const T& value) {
  out.push_back('{');
  for_each_field_index<T>([&](auto index, const auto& field) {
    constexpr auto& key = kKey<T, decltype(index)::value>;
    out.append(key.data(), key.size());
    write_json(out, value.*(field.member));
  });
  out.push_back('}');
}

template <typename T>
void write_map(std::string& out, const T& map) {
  out.push_back('{');
  bool first = true;
  for (const auto& [key, value] : map) {
    if (!first) {
      out.push_back(',');
    }
    first = false;
    append_json_string(out, key);
    out.push_back(':');
    write_json(out, value);
  }
  out.push_back('}');
}

template <typename T>
void write_range(std::string& out, const T& range) {
  out.push_back('[');
  bool first = true;
  for (const auto& element : range) {
    if (!first) {
      out.push_back(',');
    }
    first = false;
    // vector<bool> and friends hand out proxies: name the value type.
    write_json<std::ranges::range_value_t<const T>>(out, element);
  }
  out.push_back(']');
}

}  // namespace json_detail

// Appends value to out.
template <typename T>
void write_json(std::string& out, const T& value) {
  if constexpr (std::same_as<T, bool>) {
    out += value ? "true" : "false";
  } else if constexpr (json_detail::Character<T>) {
    static_assert(!json_detail::Character<T>, "a lone character has no JSON form: use a string");
  } else if constexpr (std::integral<T>) {
    json_detail::write_integer(out, value);
  } else if constexpr (std::floating_point<T>) {
    json_detail::write_floating(out, value);
  } else if constexpr (std::same_as<T, RawJson>) {
    out += value.text;
  } else if constexpr (json_detail::kIsOptional<T>) {
    if (value.has_value()) {
      write_json(out, *value);
    } else {
      out += "null";
    }
  } else if constexpr (json_detail::kIsSysTime<T>) {
    json_detail::write_time(out, std::chrono::floor<std::chrono::microseconds>(value));
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    append_json_string(out, std::string_view(value));
  } else if constexpr (Described<T>) {
    json_detail::write_struct(out, value);
  } else if constexpr (json_detail::StringMap<T>) {
    json_detail::write_map(out, value);
  } else {
    static_assert(std::ranges::input_range<const T>,
                  "no JSON form for this type: describe it with SK_FIELDS");
    json_detail::write_range(out, value);
  }
}

template <typename T>
[[nodiscard]] std::string to_json(const T& value) {
  std::string out;
  write_json(out, value);
  return out;
}

}  // namespace sk::app
