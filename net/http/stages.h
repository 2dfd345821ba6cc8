// The stage ledger of a request: when it reached which step, for logs, and, where somebody wants to
// know, how long it was in which stage (net/core/stage.h has the table), for budgets and
// Server-Timing.
#pragma once

#include "net/core/stage.h"
#include "net/core/time.h"

#include <array>
#include <cstdint>

namespace sk {

enum class Step : std::uint8_t {
  received,       // head complete; behind a balancer: there
  routed,         // route and endpoint chosen
  forwarded,      // request handed to the upstream stream, or handler entered
  response_head,  // final response head known
  finished,       // last byte handed to the transport, or the exchange ended otherwise
};
inline constexpr std::size_t kSteps = 5;

class StageLedger {
 public:
  void mark(Step step, Instant at) { at_[static_cast<std::size_t>(step)] = at; }
  // kNever where the request did not get there.
  [[nodiscard]] Instant at(Step step) const { return at_[static_cast<std::size_t>(step)]; }
  [[nodiscard]] Duration between(Step from, Step to) const {
    return at(from) == kNever || at(to) == kNever ? Duration::zero() : at(to) - at(from);
  }
  void reset() {
    at_.fill(kNever);
    clock.reset();
  }

  StageClock clock;  // see Exchange::time_stages()

 private:
  std::array<Instant, kSteps> at_ = {kNever, kNever, kNever, kNever, kNever};
};

}  // namespace sk
