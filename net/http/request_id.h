// Request ids: unique across tasks and restarts, made of [A-Za-z0-9_] only, because the operators'
// query reads them with \w+. "7f3k_1a": an instance (five characters drawn at start), an
// underscore, a counter in base 36. Log lines put "req-" in front.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sk {

class RequestId {
 public:
  static constexpr std::size_t kBytesMax = 32;

  RequestId() = default;
  // Keeps the first kBytesMax bytes; anything outside [A-Za-z0-9_] becomes '_'.
  explicit RequestId(std::string_view text);
  [[nodiscard]] std::string_view view() const { return {text_.data(), size_}; }

 private:
  friend class RequestIdSource;
  std::array<char, kBytesMax> text_{};
  std::uint8_t size_ = 0;
};

// One per loop; `instance` tells loops and processes apart.
class RequestIdSource {
 public:
  // random: any 64 bits, spread over the instance characters.
  explicit RequestIdSource(std::uint64_t random);
  [[nodiscard]] RequestId next();

 private:
  std::array<char, 6> prefix_{};
  std::uint64_t counter_ = 0;
};

}  // namespace sk
