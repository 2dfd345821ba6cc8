#include "lb/stage_text.h"

#include "net/core/assert.h"
#include "net/core/millis_text.h"

#include <chrono>

namespace sk::lb {

StageText& StageText::put(std::string_view text) {
  SK_ASSERT(text.size() <= text_.size() - size_);
  size_ += text.copy(text_.data() + size_, text.size());
  return *this;
}

StageText& StageText::put_millis(Duration duration) { return put(MillisText(duration).view()); }

// Those that took a microsecond at least.
template <typename Put>
void StageText::put_stages(const StageTimes& times, std::string_view between, Put put_one) {
  bool first = true;
  for (std::size_t index = 0; index < kStages; ++index) {
    const auto stage = static_cast<Stage>(index);
    if (times[stage] >= std::chrono::microseconds(1)) {
      put(first ? std::string_view() : between);
      first = false;
      put_one(to_string(stage), times[stage]);
    }
  }
}

StageText StageText::for_log(const BudgetVerdict& verdict, std::optional<Duration> deadline) {
  StageText out;
  out.put(", \"budget\": {");
  if (deadline) {
    out.put("\"deadlineMs\": ").put_millis(*deadline).put(", ");
  }
  const std::optional<Limit> worst = verdict.worst();
  out.put("\"spentMs\": ").put_millis(verdict.spent);
  out.put(", \"over\": \"").put(worst ? to_string(*worst) : std::string_view("none"));
  out.put("\", \"topStage\": \"").put(sk::to_string(verdict.top)).put("\", \"stages\": {");
  out.put_stages(verdict.times, ", ", [&out](std::string_view name, Duration spent) {
    out.put("\"").put(name).put("\": ").put_millis(spent);
  });
  out.put("}}");
  return out;
}

StageText StageText::for_header(const StageTimes& times) {
  StageText out;
  out.put_stages(times, ", ", [&out](std::string_view name, Duration spent) {
    out.put(name).put(";dur=").put_millis(spent);
  });
  out.put(out.size_ > 0 ? ", " : "").put("total;dur=").put_millis(times.sum());
  return out;
}

}  // namespace sk::lb
