// The stage ledger: when a request reached which step, for logs, budgets and Server-Timing.
#pragma once

#include <array>
#include <cstdint>

#include "net/core/time.h"

namespace sk {

enum class Stage : std::uint8_t {
  received,       // head complete
  routed,         // route and endpoint chosen
  forwarded,      // request handed to the upstream stream, or handler entered
  response_head,  // final response head known
  finished,       // last byte handed to the transport, or the exchange ended otherwise
};
inline constexpr std::size_t kStages = 5;

class StageLedger {
 public:
  void mark(Stage stage, Instant at) { at_[static_cast<std::size_t>(stage)] = at; }
  // kNever where the request did not get there.
  [[nodiscard]] Instant at(Stage stage) const { return at_[static_cast<std::size_t>(stage)]; }
  [[nodiscard]] Duration between(Stage from, Stage to) const {
    return at(from) == kNever || at(to) == kNever ? Duration::zero() : at(to) - at(from);
  }
  void reset() { at_.fill(kNever); }

 private:
  std::array<Instant, kStages> at_ = {kNever, kNever, kNever, kNever, kNever};
};

}  // namespace sk
