#include "net/http/target.h"

#include "net/http/ascii.h"

#include <arpa/inet.h>

#include <array>
#include <cstdint>
#include <cstring>

namespace sk {
namespace {

enum class Byte : std::uint8_t { bad, plain, slash, dot, percent, question, backslash };

consteval std::array<Byte, 256> make_table() {
  std::array<Byte, 256> table{};
  for (std::size_t i = 0x21; i < 0x7f; ++i) {
    table[i] = Byte::plain;
  }
  table['/'] = Byte::slash;
  table['.'] = Byte::dot;
  table['%'] = Byte::percent;
  table['?'] = Byte::question;
  table['\\'] = Byte::backslash;
  table['#'] = Byte::bad;  // a fragment is never sent (RFC 9110 7.1)
  return table;
}

constexpr std::array<Byte, 256> kTable = make_table();

Byte classify(char c) noexcept { return kTable[static_cast<unsigned char>(c)]; }

// One pass over a path: is it acceptable, and does any segment begin like a dot segment?
Checked<bool> scan_path(std::string_view path) {
  bool dots = false;
  bool segment_start = false;
  for (std::size_t i = 0; i < path.size(); ++i) {
    bool next_start = false;
    switch (classify(path[i])) {
      case Byte::plain:
        break;
      case Byte::slash:
        next_start = true;
        break;
      case Byte::dot:
        dots = dots || segment_start;
        break;
      case Byte::percent: {
        if (i + 2 >= path.size()) {
          return reject(400, "target_broken_percent_encoding");
        }
        const int high = hex_value(path[i + 1]);
        const int low = hex_value(path[i + 2]);
        if (high < 0 || low < 0) {
          return reject(400, "target_broken_percent_encoding");
        }
        if (high == 0 && low == 0) {
          return reject(400, "target_encoded_nul");
        }
        dots = dots || (segment_start && high == 2 && low == 14);
        i += 2;
        break;
      }
      case Byte::backslash:
        return reject(400, "target_backslash");
      case Byte::question:
      case Byte::bad:
        return reject(400, "target_forbidden_byte");
    }
    segment_start = next_start;
  }
  return dots;
}

// Length of the dot at the front of text, plain or encoded: 0, 1 or 3.
std::size_t dot_length(std::string_view text) noexcept {
  if (text.starts_with('.')) {
    return 1;
  }
  return text.size() >= 3 && text[0] == '%' && text[1] == '2' && ascii_lower(text[2]) == 'e' ? 3
                                                                                             : 0;
}

// 0: an ordinary segment, 1: ".", 2: ".." (in any encoding).
int dots_in(std::string_view segment) noexcept {
  const std::size_t one = dot_length(segment);
  if (one == 0) {
    return 0;
  }
  segment.remove_prefix(one);
  if (segment.empty()) {
    return 1;
  }
  return dot_length(segment) == segment.size() ? 2 : 0;
}

bool check_port(std::string_view port) noexcept {
  if (port.empty() || port.size() > 5) {
    return false;
  }
  unsigned value = 0;
  for (const char c : port) {
    if (!is_ascii_digit(c)) {
      return false;
    }
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value >= 1 && value <= 65535;
}

bool check_ipv6(std::string_view text) noexcept {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.find('\0') != std::string_view::npos) {
    return false;
  }
  std::memcpy(copy.data(), text.data(), text.size());
  in6_addr address;
  return inet_pton(AF_INET6, copy.data(), &address) == 1;
}

bool is_host_char(char c) noexcept {
  return is_ascii_alpha(c) || is_ascii_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

Checked<void> check_query(std::string_view query) {
  for (const char c : query) {
    if (classify(c) == Byte::bad) {
      return reject(400, "target_forbidden_byte");
    }
  }
  return {};
}

// Fills path and query of target from "path[?query]".
Checked<void> split_path(std::string_view text, HeadArena& arena, Target& target) {
  const std::size_t question = text.find('?');
  if (question != std::string_view::npos) {
    target.has_query = true;
    target.query = text.substr(question + 1);
    if (Checked<void> ok = check_query(target.query); !ok) {
      return ok;
    }
    text = text.substr(0, question);
  }
  Checked<std::string_view> path = normalise_path(text, arena);
  if (!path) {
    return std::unexpected(path.error());
  }
  target.path = *path;
  return {};
}

// "http://host[:port][/path][?query]"; text is everything behind "://".
Checked<Target> parse_absolute(std::string_view text, Method method,
                               std::size_t authority_bytes_max, HeadArena& arena) {
  Target target;
  const std::size_t end = text.find_first_of("/?#");
  target.authority = text.substr(0, end);
  if (Checked<void> ok = check_authority(target.authority, authority_bytes_max); !ok) {
    return std::unexpected(ok.error());
  }
  const std::string_view rest =
      end == std::string_view::npos ? std::string_view() : text.substr(end);
  if (rest.empty()) {
    target.path = method == Method::options ? "*" : "/";  // RFC 9112 3.2.1, 3.2.4
    return target;
  }
  if (rest.front() == '?') {
    target.has_query = true;
    target.query = rest.substr(1);
    target.path = "/";
    if (Checked<void> ok = check_query(target.query); !ok) {
      return std::unexpected(ok.error());
    }
    return target;
  }
  if (Checked<void> ok = split_path(rest, arena, target); !ok) {
    return std::unexpected(ok.error());
  }
  return target;
}

}  // namespace

Checked<std::string_view> normalise_path(std::string_view path, HeadArena& arena) {
  if (!path.starts_with('/')) {
    return reject(400, "target_no_path");
  }
  const Checked<bool> dots = scan_path(path);
  if (!dots) {
    return std::unexpected(dots.error());
  }
  if (!*dots) {
    return path;
  }
  char* out = arena.allocate(path.size());
  if (out == nullptr) {
    return reject(414, "target_too_long");
  }
  // RFC 3986 5.2.4 over whole segments: each is kept as '/' and its text, so ".." cuts at the last
  // '/' (empty segments count as segments). A dot segment at the very end leaves a trailing slash.
  std::size_t size = 0;
  std::size_t at = 0;
  while (at < path.size()) {
    const std::size_t begin = at + 1;  // path[at] is '/'
    std::size_t end = path.find('/', begin);
    if (end == std::string_view::npos) {
      end = path.size();
    }
    const std::string_view segment = path.substr(begin, end - begin);
    const int kind = dots_in(segment);
    if (kind == 2) {
      if (size == 0) {
        return reject(400, "target_above_the_root");
      }
      while (out[--size] != '/') {
      }
    } else if (kind == 0) {
      out[size++] = '/';
      std::memcpy(out + size, segment.data(), segment.size());
      size += segment.size();
    }
    if (kind != 0 && end == path.size()) {
      out[size++] = '/';
    }
    at = end;
  }
  return std::string_view(out, size);
}

Checked<void> check_authority(std::string_view text, std::size_t bytes_max) {
  if (text.empty()) {
    return reject(400, "authority_empty");
  }
  if (text.size() > bytes_max) {
    return reject(400, "authority_too_long");
  }
  std::string_view port;
  bool has_port = false;
  if (text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || !check_ipv6(text.substr(1, close - 1))) {
      return reject(400, "authority_bad_ipv6");
    }
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty()) {
      if (rest.front() != ':') {
        return reject(400, "authority_bytes_after_the_bracket");
      }
      has_port = true;
      port = rest.substr(1);
    }
  } else {
    std::size_t size = 0;
    while (size < text.size() && is_host_char(text[size])) {
      ++size;
    }
    if (size == 0) {
      return reject(400, "authority_empty_host");
    }
    if (size < text.size()) {
      if (text[size] != ':') {
        return reject(400, "authority_forbidden_byte");
      }
      has_port = true;
      port = text.substr(size + 1);
    }
  }
  if (has_port && !check_port(port)) {
    return reject(400, "authority_bad_port");
  }
  return {};
}

Checked<Target> parse_target(std::string_view text, Method method, std::size_t authority_bytes_max,
                             HeadArena& arena) {
  if (text.starts_with('/')) [[likely]] {
    Target target;
    if (Checked<void> ok = split_path(text, arena, target); !ok) {
      return std::unexpected(ok.error());
    }
    return target;
  }
  if (text == "*") {
    if (method != Method::options) {
      return reject(400, "target_asterisk_without_options");
    }
    Target target;
    target.path = "*";
    return target;
  }
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos) {
    return reject(400, "target_malformed");
  }
  const std::string_view scheme = text.substr(0, colon);
  if (!iequals(scheme, "http") && !iequals(scheme, "https")) {
    return reject(400, "target_scheme");
  }
  return parse_absolute(text.substr(colon + 3), method, authority_bytes_max, arena);
}

}  // namespace sk
