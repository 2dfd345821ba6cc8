#include "net/core/millis_text.h"

#include <charconv>

namespace sk {

MillisText::MillisText(Duration duration) noexcept {
  const std::int64_t micros = duration > Duration::zero() ? duration.count() / 1000 : 0;
  char* at = std::to_chars(text_.data(), text_.data() + text_.size() - 4, micros / 1000).ptr;
  const auto fraction = static_cast<unsigned>(micros % 1000);
  *at++ = '.';
  *at++ = static_cast<char>('0' + fraction / 100);
  *at++ = static_cast<char>('0' + fraction / 10 % 10);
  *at++ = static_cast<char>('0' + fraction % 10);
  size_ = static_cast<std::size_t>(at - text_.data());
}

}  // namespace sk
