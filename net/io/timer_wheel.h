// A hierarchical timer wheel: insert and remove in O(1), fire in order of ticks.
//
// One tick is 2^20 ns (1.05 ms); six levels of 64 slots reach 2.2 years. A timer fires at the first
// tick that is not before its instant, never early, and at most one tick late plus what the loop's
// turn takes. Timers far away sit on coarse levels and move down as their time approaches.
// Belongs to one loop; not thread-safe.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/core/time.h"

#include <array>
#include <cstdint>

namespace sk {

struct TimerTag {};

class TimerNode : public ListHook<TimerTag> {
 public:
  using Fire = void (*)(TimerNode&);
  explicit TimerNode(Fire fire) : fire_(fire) {}
  [[nodiscard]] Instant at() const { return at_; }

 protected:
  ~TimerNode();

 private:
  friend class TimerWheel;
  Fire fire_;
  Instant at_ = kNever;
  class TimerWheel* wheel_ = nullptr;  // set while armed
  std::uint16_t slot_ = 0;
};

class TimerWheel {
 public:
  explicit TimerWheel(Instant now);
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;

  // (Re)arms the timer. kNever disarms it.
  void arm(TimerNode& timer, Instant at);
  void disarm(TimerNode& timer);

  // Fires everything due at now. Callbacks may arm and disarm any timer.
  void advance(Instant now);

  // The latest instant to which the loop may sleep; kNever without timers.
  [[nodiscard]] Instant next() const;
  [[nodiscard]] std::size_t armed() const { return armed_; }

 private:
  static constexpr unsigned kTickShift = 20;
  static constexpr unsigned kSlotBits = 6;
  static constexpr unsigned kSlots = 1U << kSlotBits;
  static constexpr unsigned kLevels = 6;

  using Slot = IntrusiveList<TimerNode, TimerTag>;

  void place(TimerNode& timer, std::uint64_t tick);
  void drain_slot(unsigned level, unsigned index, Slot& due);

  std::uint64_t tick_;  // every timer due at or before this tick has fired
  std::size_t armed_ = 0;
  std::array<std::uint64_t, kLevels> occupied_{};  // a bit per slot that may hold timers
  std::array<std::array<Slot, kSlots>, kLevels> slots_;
};

}  // namespace sk
