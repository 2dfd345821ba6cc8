// Reads the case lists in tests/cases: a small JSON reader (strings keep any byte, as the lists
// need) and the expansion of their notation into the bytes to send.
#pragma once

#include "tests/support/source_dir.h"

#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sk::test {

struct Json {
  enum class Kind { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  double number = 0;
  std::u32string text;  // code points: how they become bytes is the case's choice
  std::vector<Json> items;
  std::map<std::string, Json> members;

  [[nodiscard]] bool has(const std::string& key) const { return members.contains(key); }
  [[nodiscard]] const Json& at(const std::string& key) const { return members.at(key); }
};

inline std::string to_utf8(const std::u32string& text) {
  std::string out;
  for (const char32_t c : text) {
    if (c < 0x80) {
      out.push_back(static_cast<char>(c));
    } else if (c < 0x800) {
      out.push_back(static_cast<char>(0xc0 | (c >> 6)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    } else {
      out.push_back(static_cast<char>(0xe0 | (c >> 12)));
      out.push_back(static_cast<char>(0x80 | ((c >> 6) & 0x3f)));
      out.push_back(static_cast<char>(0x80 | (c & 0x3f)));
    }
  }
  return out;
}

inline std::string to_latin1(const std::u32string& text) {
  std::string out;
  for (const char32_t c : text) {
    if (c > 0xff) {
      throw std::runtime_error("case file: a character beyond latin-1");
    }
    out.push_back(static_cast<char>(static_cast<unsigned char>(c)));
  }
  return out;
}

class JsonReader {
 public:
  explicit JsonReader(std::string text) : text_(std::move(text)) {}

  Json read() {
    Json value = read_value();
    skip_space();
    if (at_ != text_.size()) {
      fail();
    }
    return value;
  }

 private:
  [[noreturn]] void fail() const {
    throw std::runtime_error("case file: bad JSON at byte " + std::to_string(at_));
  }
  void skip_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) {
      ++at_;
    }
  }
  char peek() {
    skip_space();
    if (at_ >= text_.size()) {
      fail();
    }
    return text_[at_];
  }
  void expect(char c) {
    if (peek() != c) {
      fail();
    }
    ++at_;
  }
  bool accept(char c) {
    if (peek() != c) {
      return false;
    }
    ++at_;
    return true;
  }

  Json read_value() {
    Json value;
    switch (peek()) {
      case '{':
        value.kind = Json::Kind::object;
        ++at_;
        if (!accept('}')) {
          do {
            peek();
            const std::string key = to_utf8(read_string());
            expect(':');
            value.members[key] = read_value();
          } while (accept(','));
          expect('}');
        }
        return value;
      case '[':
        value.kind = Json::Kind::array;
        ++at_;
        if (!accept(']')) {
          do {
            value.items.push_back(read_value());
          } while (accept(','));
          expect(']');
        }
        return value;
      case '"':
        value.kind = Json::Kind::string;
        value.text = read_string();
        return value;
      case 't':
      case 'f':
        value.kind = Json::Kind::boolean;
        value.boolean = text_[at_] == 't';
        at_ += value.boolean ? 4 : 5;
        return value;
      case 'n':
        at_ += 4;
        return value;
      default: {
        value.kind = Json::Kind::number;
        char* end = nullptr;
        value.number = std::strtod(text_.c_str() + at_, &end);
        if (end == text_.c_str() + at_) {
          fail();
        }
        at_ = static_cast<std::size_t>(end - text_.c_str());
        return value;
      }
    }
  }

  std::u32string read_string() {
    expect('"');
    std::u32string out;
    while (at_ < text_.size() && text_[at_] != '"') {
      const auto byte = static_cast<unsigned char>(text_[at_]);
      if (byte == '\\') {
        out.push_back(read_escape());
      } else if (byte < 0x80) {
        out.push_back(byte);
        ++at_;
      } else {
        out.push_back(read_utf8());
      }
    }
    expect('"');
    return out;
  }
  char32_t read_escape() {
    const char c = text_.at(at_ + 1);
    at_ += 2;
    switch (c) {
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'u': {
        const char32_t value = static_cast<char32_t>(std::stoul(text_.substr(at_, 4), nullptr, 16));
        at_ += 4;
        return value;
      }
      default:
        return static_cast<unsigned char>(c);
    }
  }
  char32_t read_utf8() {
    const auto first = static_cast<unsigned char>(text_[at_]);
    const int more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    char32_t value = first & (0x3fU >> more);
    for (int i = 1; i <= more; ++i) {
      value = value << 6 |
              (static_cast<unsigned char>(text_.at(at_ + static_cast<std::size_t>(i))) & 0x3fU);
    }
    at_ += static_cast<std::size_t>(more) + 1;
    return value;
  }

  std::string text_;
  std::size_t at_ = 0;
};

inline Json read_json_file(std::string_view path) {
  std::ifstream file(source_path(path), std::ios::binary);
  if (!file) {
    throw std::runtime_error("case file: cannot open " + std::string(path));
  }
  return JsonReader(std::string(std::istreambuf_iterator<char>(file), {})).read();
}

inline std::u32string widen(std::string_view text) { return {text.begin(), text.end()}; }

inline void replace_all(std::u32string& text, const std::u32string& what,
                        const std::u32string& by) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::u32string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
}

// "{{x*N}}" becomes x, N times.
inline std::u32string expand_repeats(const std::u32string& text) {
  std::u32string out;
  std::size_t at = 0;
  for (;;) {
    const std::size_t open = text.find(U"{{", at);
    const std::size_t close = open == std::u32string::npos ? open : text.find(U"}}", open);
    const std::size_t star = close == std::u32string::npos ? close : text.rfind(U'*', close);
    if (star == std::u32string::npos || star < open) {
      return out + text.substr(at);
    }
    out += text.substr(at, open - at);
    const std::u32string unit = text.substr(open + 2, star - open - 2);
    const std::u32string digits = text.substr(star + 1, close - star - 1);
    const unsigned long count = std::stoul(std::string(digits.begin(), digits.end()));
    for (unsigned long i = 0; i < count; ++i) {
      out += unit;
    }
    at = close + 2;
  }
}

// The bytes that a case of h1.json sends.
inline std::string case_bytes(const Json& test_case) {
  std::u32string text = test_case.at("text").text;
  if (test_case.has("expand_n")) {
    std::u32string out;
    std::size_t at = 0;
    while (at < text.size()) {
      const std::size_t end = text.find(U'\n', at);
      const std::u32string line = text.substr(at, end == std::u32string::npos ? end : end - at + 1);
      at += line.size();
      if (line.find(U"{{N}}") == std::u32string::npos) {
        out += line;
        continue;
      }
      for (int i = 0; i < static_cast<int>(test_case.at("expand_n").number); ++i) {
        std::u32string copy = line;
        replace_all(copy, U"{{N}}", widen(std::to_string(i)));
        out += copy;
      }
    }
    text = out;
  }
  text = expand_repeats(text);
  return test_case.has("enc") && to_utf8(test_case.at("enc").text) == "utf-8" ? to_utf8(text)
                                                                              : to_latin1(text);
}

}  // namespace sk::test
