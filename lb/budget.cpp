#include "lb/budget.h"

namespace sk::lb {

std::string_view to_string(Limit limit) {
  constexpr std::array<std::string_view, kLimits.size()> kNames = {"p50", "p99", "p999",
                                                                   "deadline"};
  return kNames[static_cast<std::size_t>(limit)];
}

std::optional<Duration> limit_of(const BudgetConfig& budget, Limit limit) {
  switch (limit) {
    case Limit::p50:
      return budget.p50;
    case Limit::p99:
      return budget.p99;
    case Limit::p999:
      return budget.p999;
    case Limit::deadline:
      return budget.deadline;
  }
  return std::nullopt;
}

std::optional<Limit> BudgetVerdict::worst() const {
  for (std::size_t index = kLimits.size(); index-- > 0;) {
    if (over[index]) {
      return kLimits[index];
    }
  }
  return std::nullopt;
}

BudgetVerdict judge(const BudgetConfig& budget, const StageTimes& times, bool expired) {
  BudgetVerdict verdict;
  verdict.times = times;
  verdict.spent = times.sum();
  verdict.top = times.top();
  for (std::size_t index = 0; index < kLimits.size(); ++index) {
    const std::optional<Duration> limit = limit_of(budget, kLimits[index]);
    verdict.over[index] = limit && verdict.spent > *limit;
  }
  if (expired && budget.deadline) {
    verdict.over[static_cast<std::size_t>(Limit::deadline)] = true;
  }
  return verdict;
}

}  // namespace sk::lb
