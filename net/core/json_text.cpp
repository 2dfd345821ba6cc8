#include "net/core/json_text.h"

#include <array>
#include <cstring>

namespace sk {
namespace {

constexpr char kHex[] = "0123456789abcdef";

// 0: passes as it is. 1: written as \u00XX. 2: first byte of a multi-byte character, or broken.
// Anything else is the letter of a two-character escape.
constexpr std::array<char, 256> make_classes() {
  std::array<char, 256> classes{};
  for (std::size_t byte = 0; byte < 0x20; ++byte) {
    classes[byte] = 1;
  }
  classes['\b'] = 'b';
  classes['\t'] = 't';
  classes['\n'] = 'n';
  classes['\f'] = 'f';
  classes['\r'] = 'r';
  classes['"'] = '"';
  classes['\\'] = '\\';
  classes[0x7f] = 1;
  for (std::size_t byte = 0x80; byte < 0x100; ++byte) {
    classes[byte] = 2;
  }
  return classes;
}

constexpr std::array<char, 256> kClasses = make_classes();

struct Character {
  std::uint32_t code_point;
  std::uint32_t size_bytes;  // how far to go on; for a broken sequence its maximal subpart
  bool valid;
};

constexpr bool is_continuation(unsigned char byte, unsigned char low, unsigned char high) {
  return byte >= low && byte <= high;
}

// Decodes the character that starts at text[0], a byte >= 0x80. The second byte's range excludes
// overlong forms, surrogates and code points beyond U+10FFFF (RFC 3629, section 4).
Character decode(std::string_view text) {
  const auto byte = [text](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned char lead = byte(0);
  std::uint32_t size = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  std::uint32_t code_point = 0;
  if (lead >= 0xc2 && lead <= 0xdf) {
    size = 2;
    code_point = lead & 0x1fU;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    size = 3;
    code_point = lead & 0x0fU;
    low = lead == 0xe0 ? 0xa0 : low;
    high = lead == 0xed ? 0x9f : high;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    size = 4;
    code_point = lead & 0x07U;
    low = lead == 0xf0 ? 0x90 : low;
    high = lead == 0xf4 ? 0x8f : high;
  } else {
    return {0, 1, false};
  }
  for (std::uint32_t index = 1; index < size; ++index) {
    if (index >= text.size() || !is_continuation(byte(index), low, high)) {
      return {0, index, false};
    }
    code_point = code_point << 6 | (byte(index) & 0x3fU);
    low = 0x80;
    high = 0xbf;
  }
  return {code_point, size, true};
}

std::size_t write_unit(char* out, std::uint32_t unit) {
  out[0] = '\\';
  out[1] = 'u';
  out[2] = kHex[unit >> 12 & 0xf];
  out[3] = kHex[unit >> 8 & 0xf];
  out[4] = kHex[unit >> 4 & 0xf];
  out[5] = kHex[unit & 0xf];
  return 6;
}

// One or two \uXXXX (a surrogate pair beyond U+FFFF).
std::size_t write_escaped(char* out, std::uint32_t code_point) {
  if (code_point < 0x10000) {
    return write_unit(out, code_point);
  }
  const std::uint32_t offset = code_point - 0x10000;
  std::size_t size = write_unit(out, 0xd800 + (offset >> 10));
  size += write_unit(out + size, 0xdc00 + (offset & 0x3ff));
  return size;
}

// The JSON form of the character at text[0], which kClasses says cannot pass as it is. Writes to
// form (room for 12 bytes), sets its size, returns the bytes of text it stands for.
std::size_t escape_one(std::string_view text, JsonText mode, char* form, std::size_t& form_bytes) {
  const char byte_class = kClasses[static_cast<unsigned char>(text[0])];
  if (byte_class == 1 || (byte_class == '"' && mode == JsonText::log)) {
    form_bytes = write_unit(form, static_cast<unsigned char>(text[0]));
    return 1;
  }
  if (byte_class != 2) {
    form[0] = '\\';
    form[1] = byte_class;
    form_bytes = 2;
    return 1;
  }
  const Character character = decode(text);
  if (mode == JsonText::log) {
    form_bytes = write_escaped(form, character.valid ? character.code_point : 0xfffd);
  } else if (character.valid) {
    std::memcpy(form, text.data(), character.size_bytes);
    form_bytes = character.size_bytes;
  } else {
    std::memcpy(form, "\xef\xbf\xbd", 3);  // U+FFFD
    form_bytes = 3;
  }
  return character.size_bytes;
}

// Length of the prefix of text that needs no escape, eight bytes at a time: of the usual text that
// is all of it.
std::size_t plain_prefix(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  constexpr std::uint64_t kHighs = 0x8080808080808080;
  std::size_t index = 0;
  for (; index + 8 <= text.size(); index += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + index, 8);
    // The high bit of a byte is set where the byte is >= 0x80, < 0x20, '"', '\\' or DEL. A borrow
    // may mark a byte too many, never one too few; the byte loop below then decides.
    const std::uint64_t quote = word ^ (kOnes * '"');
    const std::uint64_t backslash = word ^ (kOnes * '\\');
    const std::uint64_t del = word ^ (kOnes * 0x7f);
    const std::uint64_t special =
        word | (word - kOnes * 0x20) | (quote - kOnes) | (backslash - kOnes) | (del - kOnes);
    if ((special & kHighs) != 0) {
      break;
    }
  }
  while (index < text.size() && kClasses[static_cast<unsigned char>(text[index])] == 0) {
    ++index;
  }
  return index;
}

}  // namespace

std::size_t escape_json(std::span<char> out, std::string_view text, JsonText mode) noexcept {
  std::size_t written = 0;
  while (!text.empty()) {
    const std::size_t plain = plain_prefix(text);
    const std::size_t fits = plain <= out.size() - written ? plain : out.size() - written;
    if (fits > 0) {
      std::memcpy(out.data() + written, text.data(), fits);
      written += fits;
      text.remove_prefix(fits);
    }
    if (fits < plain || text.empty()) {
      break;
    }
    char form[12];
    std::size_t form_bytes = 0;
    const std::size_t taken = escape_one(text, mode, form, form_bytes);
    if (form_bytes > out.size() - written) {
      break;
    }
    std::memcpy(out.data() + written, form, form_bytes);
    written += form_bytes;
    text.remove_prefix(taken);
  }
  return written;
}

void append_json_string(std::string& out, std::string_view text, JsonText mode) {
  out.push_back('"');
  while (!text.empty()) {
    const std::size_t plain = plain_prefix(text);
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (!text.empty()) {
      char form[12];
      std::size_t form_bytes = 0;
      text.remove_prefix(escape_one(text, mode, form, form_bytes));
      out.append(form, form_bytes);
    }
  }
  out.push_back('"');
}

}  // namespace sk
