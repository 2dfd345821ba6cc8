#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace sk::bench {

// AnswerReader checks one HTTP/1.1 answer at a time: status 200, exactly one valid Content-Length,
// and a body that equals the expected one. It is deliberately strict and knows no chunked coding:
// every contender answers the same small body, and whatever else arrives must show up as an error.
//
// Usage: read into space(), then took(n); repeat while the verdict is kIncomplete; reset() between
// answers.
class AnswerReader {
 public:
  enum class Verdict { kIncomplete, kGood, kGoodThenClose, kBadStatus, kBadFraming, kBadBody };

  explicit AnswerReader(std::string_view expected_body) : expected_body_(expected_body) {}

  std::span<char> space() { return std::span(buffer_).subspan(length_); }
  Verdict took(std::size_t bytes);
  bool empty() const { return length_ == 0; }
  void reset() { length_ = 0; }

 private:
  static constexpr std::size_t kAnswerMax = 16 * 1024;  // head and body of one answer

  std::string_view expected_body_;  // outlives the reader
  std::size_t length_ = 0;
  std::array<char, kAnswerMax> buffer_;
};

}  // namespace sk::bench
