#include "net/io/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace sk {
namespace {

std::uint64_t ns_of(Instant instant) {
  const auto ns = instant.time_since_epoch().count();
  return ns < 0 ? 0 : static_cast<std::uint64_t>(ns);
}

}  // namespace

// A timer on level L sits in the slot of its due tick's L-th group of six bits. The level is the
// highest group in which the due tick differs from the current one, so a slot never mixes rounds:
// when the current tick enters a slot's range, its timers move down or fire.

TimerNode::~TimerNode() {
  if (wheel_ != nullptr) {
    wheel_->disarm(*this);
  }
}

TimerWheel::TimerWheel(Instant now) : tick_(ns_of(now) >> kTickShift) {}

void TimerWheel::place(TimerNode& timer, std::uint64_t tick) {
  const std::uint64_t differing = tick ^ tick_;
  unsigned level =
      differing == 0 ? 0 : static_cast<unsigned>(63 - std::countl_zero(differing)) / kSlotBits;
  if (level >= kLevels) {
    // Beyond the horizon: park as far out as the wheel reaches; it is placed again from there.
    level = kLevels - 1;
    tick = tick_ + (std::uint64_t{kSlots - 1} << (kSlotBits * (kLevels - 1)));
  }
  const auto index = static_cast<unsigned>((tick >> (kSlotBits * level)) & (kSlots - 1));
  timer.slot_ = static_cast<std::uint16_t>(level * kSlots + index);
  slots_[level][index].push_back(timer);
  occupied_[level] |= std::uint64_t{1} << index;
}

void TimerWheel::arm(TimerNode& timer, Instant at) {
  disarm(timer);
  timer.at_ = at;
  if (at == kNever) {
    return;
  }
  timer.wheel_ = this;
  ++armed_;
  constexpr std::uint64_t kRoundUp = (std::uint64_t{1} << kTickShift) - 1;
  const std::uint64_t due = (ns_of(at) + kRoundUp) >> kTickShift;
  place(timer, std::max(due, tick_ + 1));
}

void TimerWheel::disarm(TimerNode& timer) {
  if (timer.wheel_ == nullptr) {
    return;
  }
  SK_DEBUG_ASSERT(timer.wheel_ == this);
  timer.unlink();
  timer.wheel_ = nullptr;
  timer.at_ = kNever;
  --armed_;
  const unsigned level = timer.slot_ / kSlots;
  const unsigned index = timer.slot_ % kSlots;
  if (slots_[level][index].empty()) {
    occupied_[level] &= ~(std::uint64_t{1} << index);
  }
}

void TimerWheel::drain_slot(unsigned level, unsigned index, Slot& due) {
  const std::uint64_t bit = std::uint64_t{1} << index;
  if ((occupied_[level] & bit) != 0) {
    occupied_[level] &= ~bit;
    due.splice_back(slots_[level][index]);
  }
}

void TimerWheel::advance(Instant now) {
  const std::uint64_t target = ns_of(now) >> kTickShift;
  while (tick_ < target) {
    // Skip to the next tick at which some slot has to be looked at.
    const Instant soonest = next();
    if (soonest == kNever) {
      tick_ = target;
      return;
    }
    const std::uint64_t stop = std::min(target, ns_of(soonest) >> kTickShift);
    tick_ = std::max(stop, tick_ + 1);

    Slot due;
    for (unsigned level = kLevels; level-- > 0;) {
      const unsigned shift = kSlotBits * level;
      const bool enters = level == 0 || (tick_ & ((std::uint64_t{1} << shift) - 1)) == 0;
      if (enters) {
        drain_slot(level, static_cast<unsigned>((tick_ >> shift) & (kSlots - 1)), due);
      }
    }
    while (!due.empty()) {
      TimerNode& timer = due.pop_front();
      constexpr std::uint64_t kRoundUp = (std::uint64_t{1} << kTickShift) - 1;
      const std::uint64_t when = (ns_of(timer.at_) + kRoundUp) >> kTickShift;
      if (when > tick_) {
        place(timer, when);
        continue;
      }
      timer.wheel_ = nullptr;
      timer.at_ = kNever;
      --armed_;
      timer.fire_(timer);
    }
  }
}

Instant TimerWheel::next() const {
  if (armed_ == 0) {
    return kNever;
  }
  std::uint64_t soonest = UINT64_MAX;
  for (unsigned level = 0; level < kLevels; ++level) {
    if (occupied_[level] == 0) {
      continue;
    }
    const unsigned shift = kSlotBits * level;
    const auto current = static_cast<unsigned>((tick_ >> shift) & (kSlots - 1));
    // The first occupied slot behind the current one, counted around the wheel.
    const unsigned turn = (current + 1) % kSlots;
    const std::uint64_t rotated = std::rotr(occupied_[level], static_cast<int>(turn));
    const auto ahead = static_cast<std::uint64_t>(std::countr_zero(rotated)) + 1;
    soonest = std::min(soonest, ((tick_ >> shift) + ahead) << shift);
  }
  return Instant(Duration(static_cast<std::int64_t>(soonest << kTickShift)));
}

}  // namespace sk
