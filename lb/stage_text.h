// StageText: a request's stages as the log and Server-Timing write them. No allocation.
#pragma once

#include "net/core/stage.h"

#include "lb/budget.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

namespace sk::lb {

class StageText {
 public:
  // `, "budget": {"deadlineMs": 250.000, "spentMs": 52.118, "over": "p99", "topStage": "pg",
  // "stages": {"pg": 51.377}}`, which ends a log line's fields.
  static StageText for_log(const BudgetVerdict& verdict, std::optional<Duration> deadline);
  // `pg;dur=51.377, total;dur=52.118`: the value of a Server-Timing field.
  static StageText for_header(const StageTimes& times);

  std::string_view view() const { return {text_.data(), size_}; }

 private:
  StageText() = default;
  StageText& put(std::string_view text);
  StageText& put_millis(Duration duration);
  template <typename Put>
  void put_stages(const StageTimes& times, std::string_view between, Put put_one);

  std::array<char, 768> text_;  // every stage at its longest, and more
  std::size_t size_ = 0;
};

}  // namespace sk::lb
