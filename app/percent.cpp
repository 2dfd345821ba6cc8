#include "app/percent.h"

#include "net/http/ascii.h"

namespace sk::app {
namespace {

// The byte that the triplet at text[0] == '%' stands for, or -1.
int triplet(std::string_view text) {
  if (text.size() < 3) {
    return -1;
  }
  const int high = hex_value(text[1]);
  const int low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

}  // namespace

bool percent_decode(std::string& out, std::string_view text, PlusSign plus) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '%') {
      const int byte = triplet(text.substr(at));
      if (byte < 0) {
        return false;
      }
      out.push_back(static_cast<char>(byte));
      at += 2;
    } else {
      out.push_back(c == '+' && plus == PlusSign::space ? ' ' : c);
    }
  }
  return true;
}

bool percent_decodes_to(std::string_view raw, std::string_view literal) noexcept {
  std::size_t matched = 0;
  for (std::size_t at = 0; at < raw.size(); ++at, ++matched) {
    int byte = static_cast<unsigned char>(raw[at]);
    if (byte == '%') {
      byte = triplet(raw.substr(at));
      at += 2;
    }
    if (matched == literal.size() || byte != static_cast<unsigned char>(literal[matched])) {
      return false;
    }
  }
  return matched == literal.size();
}

void percent_encode(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    if (is_ascii_alpha(c) || is_ascii_digit(c) ||
        std::string_view("-._~").find(c) != std::string_view::npos) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('%');
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 15]);
    }
  }
}

}  // namespace sk::app
