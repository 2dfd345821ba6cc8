#include "app/json_check.h"

#include <array>
#include <cstdint>

namespace sk::app {
namespace {

// One open array or object. A key is kept as a slice of the text, escapes and all.
struct Level {
  bool is_object;
  std::string_view key;  // objects: the member being read
  std::size_t index;     // arrays: the element being read
};

// Invariant: at_ <= text_.size(); levels_[0..depth_) are the containers around at_.
class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  std::optional<JsonMistake> run() {
    skip_space();
    if (at_ == text_.size()) {
      stop("expected a JSON value, but there is none");
      return result();
    }
    bool want_value = true;  // else: a value was just completed
    while (!failed_) {
      if (want_value) {
        want_value = read_value();
        continue;
      }
      skip_space();
      if (depth_ == 0) {
        if (at_ != text_.size()) {
          stop("expected nothing after the end of the document");
        }
        break;
      }
      want_value = after_element();
    }
    return result();
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return text_[at_]; }

  void skip_space() {
    while (!at_end() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) {
      ++at_;
    }
  }

  bool stop(const char* message) {
    if (!failed_) {
      failed_ = true;
      message_ = message;
    }
    return false;
  }

  // Reads one value, or opens one container. True where another value has to follow at once.
  bool read_value() {
    skip_space();
    if (at_end()) {
      return stop("expected a value before the end");
    }
    switch (peek()) {
      case '{':
        return open(true);
      case '[':
        return open(false);
      case '"':
        return read_string() && false;
      case 't':
        return read_word("true");
      case 'f':
        return read_word("false");
      case 'n':
        return read_word("null");
      default:
        if (peek() == '-' || (peek() >= '0' && peek() <= '9')) {
          return read_number();
        }
        return stop("expected a value");
    }
  }

  bool open(bool is_object) {
    if (depth_ == kJsonDepthMax) {
      return stop("nested deeper than 64 levels");
    }
    levels_[depth_++] = Level{is_object, {}, 0};
    ++at_;
    skip_space();
    const char close = is_object ? '}' : ']';
    if (!at_end() && peek() == close) {
      ++at_;
      --depth_;
      return false;
    }
    return is_object ? read_key("expected a name in quotes or '}'") : true;
  }

  // A member's name and its colon.
  bool read_key(const char* expected) {
    skip_space();
    if (at_end() || peek() != '"') {
      return stop(expected);
    }
    const std::size_t start = at_ + 1;
    if (!read_string()) {
      return false;
    }
    levels_[depth_ - 1].key = text_.substr(start, at_ - 1 - start);
    skip_space();
    if (at_end() || peek() != ':') {
      return stop("expected ':' after a name");
    }
    ++at_;
    return true;
  }

  // After a value inside a container: true where a comma promises another one.
  bool after_element() {
    Level& level = levels_[depth_ - 1];
    if (!at_end() && peek() == ',') {
      ++at_;
      ++level.index;
      return level.is_object ? read_key("expected a name in quotes after ','") : true;
    }
    if (!at_end() && peek() == (level.is_object ? '}' : ']')) {
      ++at_;
      --depth_;
      return false;
    }
    return stop(level.is_object ? "expected ',' or '}' after a member"
                                : "expected ',' or ']' after an element");
  }

  bool read_word(std::string_view word) {
    for (const char c : word) {
      if (at_end() || peek() != c) {
        return stop("expected a value: true, false, null, a number, a string, '{' or '['");
      }
      ++at_;
    }
    return false;
  }

  bool read_digits(const char* expected) {
    if (at_end() || peek() < '0' || peek() > '9') {
      return stop(expected);
    }
    while (!at_end() && peek() >= '0' && peek() <= '9') {
      ++at_;
    }
    return true;
  }

  bool read_number() {
    if (peek() == '-') {
      ++at_;
    }
    if (!at_end() && peek() == '0') {
      ++at_;
      if (!at_end() && peek() >= '0' && peek() <= '9') {
        return stop("a number must not begin with 0");
      }
    } else if (!read_digits("expected a digit")) {
      return false;
    }
    if (!at_end() && peek() == '.') {
      ++at_;
      if (!read_digits("expected a digit after '.'")) {
        return false;
      }
    }
    if (!at_end() && (peek() == 'e' || peek() == 'E')) {
      ++at_;
      if (!at_end() && (peek() == '+' || peek() == '-')) {
        ++at_;
      }
      static_cast<void>(read_digits("expected a digit in the exponent"));
    }
    return false;
  }

  bool read_string() {
    ++at_;
    while (true) {
      if (at_end()) {
        return stop("expected '\"' at the end of a string");
      }
      const auto byte = static_cast<unsigned char>(peek());
      if (byte == '"') {
        ++at_;
        return true;
      }
      if (byte < 0x20) {
        return stop("a control character in a string must be escaped");
      }
      const bool fine = byte == '\\' ? read_escape() : byte < 0x80 ? skip_one() : read_utf8(byte);
      if (!fine) {
        return false;
      }
    }
  }

  bool skip_one() {
    ++at_;
    return true;
  }

  // \uXXXX as a number, or -1.
  int read_unit() {
    int unit = 0;
    for (int index = 0; index < 4; ++index) {
      if (at_end()) {
        return -1;
      }
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) {
        return -1;
      }
      unit = unit * 16 + digit;
      ++at_;
    }
    return unit;
  }

  bool read_escape() {
    const std::size_t start = at_++;
    const char kind = at_end() ? '\0' : peek();
    if (kind != 'u') {
      if (kind == '\0' || std::string_view("\"\\/bfnrt").find(kind) == std::string_view::npos) {
        at_ = start;
        return stop("no such escape in a string");
      }
      return skip_one();
    }
    ++at_;
    const int unit = read_unit();
    if (unit < 0) {
      return stop("expected four hexadecimal digits after \\u");
    }
    if (unit < 0xd800 || unit > 0xdfff) {
      return true;
    }
    // A surrogate stands for half a character: the other half must follow.
    if (unit <= 0xdbff && text_.substr(at_, 2) == "\\u") {
      at_ += 2;
      const int low = read_unit();
      if (low >= 0xdc00 && low <= 0xdfff) {
        return true;
      }
    }
    at_ = start;
    return stop("half a surrogate pair is not a character");
  }

  // A character of two to four bytes (RFC 3629, section 4).
  bool read_utf8(unsigned char lead) {
    const std::size_t size = lead >= 0xc2 && lead <= 0xdf   ? 2
                             : lead >= 0xe0 && lead <= 0xef ? 3
                             : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                            : 0;
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    for (std::size_t index = 1; index < size; ++index) {
      const auto byte =
          static_cast<unsigned char>(at_ + index < text_.size() ? text_[at_ + index] : '\0');
      if (byte < (index == 1 ? low : 0x80) || byte > (index == 1 ? high : 0xbf)) {
        return stop("not valid UTF-8");
      }
    }
    if (size == 0) {
      return stop("not valid UTF-8");
    }
    at_ += size;
    return true;
  }

  [[nodiscard]] std::optional<JsonMistake> result() const {
    if (!failed_) {
      return std::nullopt;
    }
    std::string field;
    for (std::size_t index = 0; index < depth_; ++index) {
      const Level& level = levels_[index];
      if (!level.is_object) {
        field += '[' + std::to_string(level.index) + ']';
      } else if (!level.key.empty()) {
        field += field.empty() ? "" : ".";
        field += level.key;
      }
    }
    return JsonMistake{at_, std::move(field), message_};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::array<Level, kJsonDepthMax> levels_{};
  std::size_t depth_ = 0;
  bool failed_ = false;
  const char* message_ = "";
};

}  // namespace

std::optional<JsonMistake> find_json_mistake(std::string_view text) { return Checker(text).run(); }

}  // namespace sk::app
