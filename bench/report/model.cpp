#include "bench/report/model.h"

#include <utility>

namespace sk::bench {

std::string_view to_string(BudgetLevel level) {
  constexpr std::array<std::string_view, kBudgetLevels> kNames = {"p50", "p99", "p99.9",
                                                                  "deadline"};
  return kNames[index_of(level)];
}

std::string_view to_string(Failure failure) {
  constexpr std::array<std::string_view, kFailures> kNames = {
      "connect", "tls", "reset", "timeout", "malformed", "status", "check", "shed", "expired"};
  static_assert(index_of(Failure::expired) + 1 == kFailures);
  return kNames[index_of(failure)];
}

std::string_view to_string(Mode mode) {
  switch (mode) {
    case Mode::budgets:
      return "budgets";
    case Mode::capacity:
      return "capacity";
    case Mode::compare:
      return "compare";
    case Mode::overload:
      return "overload";
  }
  std::unreachable();
}

int exit_code(const Report& report) {
  if (!report.valid()) {
    return 3;
  }
  switch (report.outcome) {
    case Outcome::pass:
      return 0;
    case Outcome::fail:
      return 1;
    case Outcome::inconclusive:
      return 2;
  }
  std::unreachable();
}

}  // namespace sk::bench
