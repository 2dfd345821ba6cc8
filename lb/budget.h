// What a budget says about one request: which limit it exceeded, and which stage took the most.
#pragma once

#include "net/core/stage.h"

#include "lb/config.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sk::lb {

enum class Limit : std::uint8_t { p50, p99, p999, deadline };
inline constexpr std::array kLimits = {Limit::p50, Limit::p99, Limit::p999, Limit::deadline};

// "p99". Static text.
std::string_view to_string(Limit limit);
std::optional<Duration> limit_of(const BudgetConfig& budget, Limit limit);

struct BudgetVerdict {
  Duration spent{};
  StageTimes times;  // they add up to spent
  Stage top = Stage::handler;
  std::array<bool, kLimits.size()> over{};  // by limit; false where none is stated

  bool is_over(Limit limit) const { return over[static_cast<std::size_t>(limit)]; }
  // The highest limit exceeded.
  std::optional<Limit> worst() const;
};

// expired: the deadline ended the request. A request that took longer than a limit is over it; one
// that took exactly as long is not.
BudgetVerdict judge(const BudgetConfig& budget, const StageTimes& times, bool expired);

}  // namespace sk::lb
