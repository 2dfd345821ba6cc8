#include "lb/json_line.h"

#include "net/core/json_text.h"

#include <cstddef>

namespace sk::lb {
namespace {

constexpr int kDepthMax = 32;

// Reads from the front of the text; every function returns false where it does not find its thing.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool object(int depth) {
    if (depth > kDepthMax || !take('{')) {
      return false;
    }
    if (take_after_space('}')) {
      return true;
    }
    do {
      space();
      if (!string() || !take_after_space(':') || !value(depth)) {
        return false;
      }
    } while (take_after_space(','));
    return take('}');
  }

  bool at_end() const { return text_.empty(); }

 private:
  bool array(int depth) {
    if (depth > kDepthMax || !take('[')) {
      return false;
    }
    if (take_after_space(']')) {
      return true;
    }
    do {
      if (!value(depth)) {
        return false;
      }
    } while (take_after_space(','));
    return take(']');
  }

  bool value(int depth) {
    space();
    if (text_.empty()) {
      return false;
    }
    switch (text_.front()) {
      case '{':
        return object(depth + 1);
      case '[':
        return array(depth + 1);
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool string() {
    if (!take('"')) {
      return false;
    }
    const std::string_view begin = text_;
    while (!text_.empty() && text_.front() != '"') {
      if (text_.front() != '\\') {
        text_.remove_prefix(1);
        continue;
      }
      text_.remove_prefix(1);
      if (take('u')) {
        for (int digit = 0; digit < 4; ++digit) {
          if (!take_any("0123456789abcdefABCDEF")) {
            return false;
          }
        }
      } else if (!take_any("\"\\/bfnrt")) {
        return false;
      }
    }
    const std::string_view inside = begin.substr(0, begin.size() - text_.size());
    return take('"') && is_clean(inside);
  }

  // Control bytes and broken UTF-8 are what an escape would change, besides the backslashes and
  // quotes that were looked at already.
  static bool is_clean(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      char form[64];
      if (text[at] == '\\') {
        at += 2;
        continue;
      }
      const std::size_t end = text.find('\\', at);
      const std::string_view piece =
          text.substr(at, end == text.npos ? text.npos : end - at).substr(0, sizeof form);
      // A piece that is cut within a character is looked at again from there.
      std::size_t whole = piece.size();
      while (whole > 0 && whole < text.size() - at &&
             (static_cast<unsigned char>(text[at + whole]) & 0xc0U) == 0x80U) {
        --whole;
      }
      const std::size_t written = escape_json(form, piece.substr(0, whole));
      if (whole == 0 || std::string_view(form, written) != piece.substr(0, whole)) {
        return false;
      }
      at += whole;
    }
    return true;
  }

  bool number() {
    take('-');
    if (!take('0')) {
      if (!digits()) {
        return false;
      }
    }
    if (take('.') && !digits()) {
      return false;
    }
    if (take_any("eE")) {
      take_any("+-");
      return digits();
    }
    return true;
  }

  bool digits() {
    bool any = false;
    while (take_any("0123456789")) {
      any = true;
    }
    return any;
  }

  bool word(std::string_view expected) {
    if (!text_.starts_with(expected)) {
      return false;
    }
    text_.remove_prefix(expected.size());
    return true;
  }

  void space() {
    while (take_any(" \t\r\n")) {
    }
  }
  bool take(char byte) {
    if (text_.empty() || text_.front() != byte) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }
  bool take_any(std::string_view bytes) {
    if (text_.empty() || bytes.find(text_.front()) == std::string_view::npos) {
      return false;
    }
    text_.remove_prefix(1);
    return true;
  }
  bool take_after_space(char byte) {
    space();
    return take(byte);
  }

  std::string_view text_;
};

}  // namespace

bool is_json_object(std::string_view text) {
  Reader reader(text);
  return reader.object(0) && reader.at_end();
}

}  // namespace sk::lb
