// Character classes of HTTP (RFC 9110 5.6.2, 5.5; RFC 3986) and ASCII-only case folding.
//
// Locale plays no part in HTTP, so <cctype> must not either. All functions take any byte.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sk {

[[nodiscard]] constexpr char ascii_lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

[[nodiscard]] constexpr bool is_ascii_digit(char c) noexcept { return c >= '0' && c <= '9'; }

[[nodiscard]] constexpr bool is_ascii_alpha(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Value of a hexadecimal digit, or -1.
[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (is_ascii_digit(c)) {
    return c - '0';
  }
  const char lower = ascii_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

namespace detail {

consteval std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (std::size_t i = 0; i < 256; ++i) {
    const char c = static_cast<char>(i);
    table[i] = is_ascii_alpha(c) || is_ascii_digit(c);
  }
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}

inline constexpr std::array<bool, 256> kTokenTable = make_token_table();

}  // namespace detail

// tchar of RFC 9110 5.6.2: what methods and field names are made of.
[[nodiscard]] constexpr bool is_token_char(char c) noexcept {
  return detail::kTokenTable[static_cast<unsigned char>(c)];
}

// 1*tchar
[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
  if (text.empty()) {
    return false;
  }
  for (const char c : text) {
    if (!is_token_char(c)) {
      return false;
    }
  }
  return true;
}

// True if the bytes may stand in a field value: HTAB, SP, visible ASCII and 0x80-0xff (RFC 9110
// 5.5). Control bytes and DEL may not: they serve response splitting and log injection.
[[nodiscard]] bool is_field_value(std::string_view text) noexcept;

// True if every byte is 0x21-0x7e: what a request target or an authority is made of at most.
[[nodiscard]] bool is_visible_ascii(std::string_view text) noexcept;

// Equal without regard to ASCII case.
[[nodiscard]] bool iequals(std::string_view a, std::string_view b) noexcept;

// Without leading and trailing OWS (space and tab, RFC 9110 5.6.3).
[[nodiscard]] constexpr std::string_view trim_ows(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
    text.remove_prefix(1);
  }
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) {
    text.remove_suffix(1);
  }
  return text;
}

// Reads a comma-separated list (RFC 9110 5.6.1) member by member, each trimmed; empty members are
// reported as such. Not for values that may hold quoted commas.
class ListReader {
 public:
  constexpr explicit ListReader(std::string_view value) noexcept : rest_(value) {}

  // False when the list is used up.
  [[nodiscard]] constexpr bool next(std::string_view& member) noexcept {
    if (done_) {
      return false;
    }
    const std::size_t comma = rest_.find(',');
    member = trim_ows(rest_.substr(0, comma));
    done_ = comma == std::string_view::npos;
    if (!done_) {
      rest_.remove_prefix(comma + 1);
    }
    return true;
  }

 private:
  std::string_view rest_;
  bool done_ = false;
};

}  // namespace sk
