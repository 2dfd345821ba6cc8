#include "net/http/request_id.h"

#include <algorithm>

namespace sk {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghijklmnopqrstuvwxyz";

constexpr bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

}  // namespace

RequestId::RequestId(std::string_view text) {
  size_ = static_cast<std::uint8_t>(std::min(text.size(), kBytesMax));
  std::transform(text.begin(), text.begin() + size_, text_.begin(),
                 [](char c) { return is_word(c) ? c : '_'; });
}

RequestIdSource::RequestIdSource(std::uint64_t random) {
  for (std::size_t i = 0; i + 1 < prefix_.size(); ++i) {
    prefix_[i] = kDigits[random % kDigits.size()];
    random /= kDigits.size();
  }
  prefix_.back() = '_';
}

RequestId RequestIdSource::next() {
  RequestId id;
  char* out = std::copy(prefix_.begin(), prefix_.end(), id.text_.begin());
  std::array<char, 13> digits{};
  std::size_t count = 0;
  for (std::uint64_t left = ++counter_; left > 0; left /= kDigits.size()) {
    digits[count++] = kDigits[left % kDigits.size()];
  }
  while (count > 0) {
    *out++ = digits[--count];
  }
  id.size_ = static_cast<std::uint8_t>(out - id.text_.data());
  return id;
}

}  // namespace sk
