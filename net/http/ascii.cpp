#include "net/http/ascii.h"

#include <cstring>

namespace sk {
namespace {

// Eight bytes at a time in one word ("SIMD within a register"); short tails are padded with a byte
// that passes, so that there is one code path.
constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
constexpr std::uint64_t kHighs = 0x8080808080808080ULL;

std::uint64_t load8(const char* p) noexcept {
  std::uint64_t word;
  std::memcpy(&word, p, 8);
  return word;
}

// Nonzero if any byte is a control byte other than HTAB, or DEL. Bytes with the high bit set never
// count: obs-text is opaque (RFC 9110 5.5).
std::uint64_t control_bytes(std::uint64_t word) noexcept {
  const std::uint64_t low7 = word & ~kHighs;
  const std::uint64_t at_least_space = low7 + kOnes * (0x80 - 0x20);  // high bit: byte >= 0x20
  const std::uint64_t del = low7 + kOnes;                             // high bit: byte == 0x7f
  const std::uint64_t tab =
      ((low7 ^ (kOnes * 0x09)) + kOnes * 0x7f);  // high bit clear: byte == 0x09
  return ((~at_least_space & tab) | del) & ~word & kHighs;
}

// Nonzero if any byte is outside 0x21-0x7e.
std::uint64_t not_visible(std::uint64_t word) noexcept {
  const std::uint64_t low7 = word & ~kHighs;
  const std::uint64_t at_least_21 = low7 + kOnes * (0x80 - 0x21);
  const std::uint64_t del = low7 + kOnes;
  return (~at_least_21 | del | word) & kHighs;
}

std::uint64_t lower8(std::uint64_t word) noexcept {
  const std::uint64_t low7 = word & ~kHighs;
  const std::uint64_t above_z = low7 + kOnes * (0x7f - 'Z');
  const std::uint64_t from_a = low7 + kOnes * (0x80 - 'A');
  const std::uint64_t upper = (from_a ^ above_z) & ~word & kHighs;
  return word | (upper >> 2);
}

}  // namespace

bool is_field_value(std::string_view text) noexcept {
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    if (control_bytes(load8(p)) != 0) {
      return false;
    }
  }
  if (left == 0) {
    return true;
  }
  std::uint64_t tail = kOnes * ' ';
  std::memcpy(&tail, p, left);
  return control_bytes(tail) == 0;
}

bool is_visible_ascii(std::string_view text) noexcept {
  const char* p = text.data();
  std::size_t left = text.size();
  for (; left >= 8; p += 8, left -= 8) {
    if (not_visible(load8(p)) != 0) {
      return false;
    }
  }
  if (left == 0) {
    return true;
  }
  std::uint64_t tail = kOnes * '!';
  std::memcpy(&tail, p, left);
  return not_visible(tail) == 0;
}

bool iequals(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) {
    return false;
  }
  const char* p = a.data();
  const char* q = b.data();
  std::size_t left = a.size();
  for (; left >= 8; p += 8, q += 8, left -= 8) {
    if (lower8(load8(p)) != lower8(load8(q))) {
      return false;
    }
  }
  if (left == 0) {
    return true;
  }
  std::uint64_t x = 0;
  std::uint64_t y = 0;
  std::memcpy(&x, p, left);
  std::memcpy(&y, q, left);
  return lower8(x) == lower8(y);
}

}  // namespace sk
