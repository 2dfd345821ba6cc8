#include "bench/report/route_recorder.h"

#include "net/core/assert.h"

#include "bench/report/server_timing.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace sk::bench {
namespace {

// A run has a second for each started second and one for what is due at its very end.
constexpr std::uint32_t kSecondsMax = 7 * 24 * 3600;
// The server's own sum: not a stage.
constexpr std::string_view kStageTotal = "total";
constexpr std::size_t kRequestIdBytesMax = 64;

std::uint64_t nanoseconds_of(Nanoseconds duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
}

// 1 for each limit that the request exceeded.
PerLevel limits_exceeded(const Budget& budget, const RequestEnding& ending) {
  PerLevel over{};
  for (const BudgetLevel level : kAllBudgetLevels) {
    const auto& limit = budget.limit(level);
    over[index_of(level)] = limit && (ending.failure || ending.latency > *limit) ? 1 : 0;
  }
  return over;
}

void add(PerLevel& sums, const PerLevel& more) {
  for (std::size_t i = 0; i < sums.size(); ++i) {
    sums[i] += more[i];
  }
}

bool has_latency(const RequestEnding& ending) {
  return !ending.failure || *ending.failure == Failure::timeout ||
         *ending.failure == Failure::expired;
}

}  // namespace

RouteRecorder::RouteRecorder(RouteReport& report, std::chrono::seconds window)
    : report_(report),
      window_(static_cast<std::size_t>(std::max<std::int64_t>(1, window.count())) + 1) {
  ledger_.reserve(kStagesMax);
  report_.stages.reserve(kStagesMax);
  report_.worst.reserve(kWorstRequestsMax + 1);
}

void RouteRecorder::begin_run(std::uint32_t run) {
  SK_ASSERT(open_.empty());
  run_ = run;
  first_second_ = 0;
}

void RouteRecorder::end_run() {
  while (!open_.empty()) {
    close_first();
  }
}

void RouteRecorder::record(const RequestEnding& ending) {
  const PerLevel over = limits_exceeded(report_.budget, ending);
  report_.requests += 1;
  add(report_.over, over);
  if (ending.status != 0) {
    report_.statuses[ending.status] += 1;
  }
  if (ending.failure) {
    report_.failures[index_of(*ending.failure)] += 1;
  } else {
    report_.answered += 1;
    const auto& deadline = report_.budget.limit(BudgetLevel::deadline);
    report_.in_time += !deadline || ending.latency <= *deadline ? 1 : 0;
  }

  OpenSecond& second = second_of(ending.intended);
  second.record.requests += 1;
  second.record.failed += ending.failure ? 1 : 0;
  add(second.record.over, over);
  if (has_latency(ending)) {
    const std::uint64_t latency = nanoseconds_of(ending.latency);
    report_.latency.record(latency);
    second.latency.record(latency);
  }

  ledger_.clear();
  if (!ending.server_timing.empty()) {
    record_stages(ending, over);
  }
  keep_if_worst(ending);
}

RouteRecorder::OpenSecond& RouteRecorder::second_of(Nanoseconds intended) {
  const auto count = std::chrono::duration_cast<std::chrono::seconds>(intended).count();
  const auto second = static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, kSecondsMax));
  if (open_.empty() && first_second_ < second && second - first_second_ > window_) {
    first_second_ = second;  // a long time without a request
  }
  if (second < first_second_ && !open_.empty()) {
    return *open_.front();
  }
  while (second >= first_second_ + open_.size()) {
    if (open_.size() >= window_) {
      close_first();
    }
    std::unique_ptr<OpenSecond> next;
    if (spare_.empty()) {
      next = std::make_unique<OpenSecond>();
    } else {
      next = std::move(spare_.back());
      spare_.pop_back();
    }
    next->record.run = run_;
    next->record.second = first_second_ + static_cast<std::uint32_t>(open_.size());
    open_.push_back(std::move(next));
  }
  return *open_[second - first_second_];
}

void RouteRecorder::close_first() {
  std::unique_ptr<OpenSecond> closed = std::move(open_.front());
  open_.pop_front();
  first_second_ += 1;
  if (closed->record.requests > 0) {
    closed->record.latency = SparseHistogram(closed->latency);
    report_.seconds.push_back(std::move(closed->record));
  }
  closed->record = SecondRecord{};
  closed->latency.reset();
  spare_.push_back(std::move(closed));
}

std::uint32_t RouteRecorder::stage_index(std::string_view name) {
  std::vector<StageReport>& stages = report_.stages;
  const auto found = std::ranges::find(stages, name, &StageReport::name);
  if (found != stages.end()) {
    return static_cast<std::uint32_t>(found - stages.begin());
  }
  if (stages.size() + 1 >= kStagesMax) {
    // The last place is everybody's who comes late.
    if (stages.size() < kStagesMax) {
      stages.emplace_back().name = "other";
    }
    return static_cast<std::uint32_t>(kStagesMax - 1);
  }
  stages.emplace_back().name = std::string(name);
  return static_cast<std::uint32_t>(stages.size() - 1);
}

void RouteRecorder::record_stages(const RequestEnding& ending, const PerLevel& over) {
  std::array<TimedStage, kStagesMax> told;
  const std::size_t count = read_server_timing(ending.server_timing, told);
  const auto add_stage = [&](std::string_view name, Nanoseconds duration) {
    const std::uint32_t index = stage_index(name);
    StageReport& stage = report_.stages[index];
    stage.duration.record(nanoseconds_of(duration));
    for (std::size_t level = 0; level < over.size(); ++level) {
      if (over[level] != 0) {
        stage.over[level] += duration;
      }
    }
    ledger_.push_back({index, duration});
  };
  for (const TimedStage& stage : std::span(told).first(count)) {
    if (stage.name == kStageTotal) {
      add_stage(kStageOutside, std::max(Nanoseconds{0}, ending.latency - stage.duration));
    } else {
      add_stage(stage.name, stage.duration);
    }
  }
}

void RouteRecorder::keep_if_worst(const RequestEnding& ending) {
  std::vector<WorstRequest>& worst = report_.worst;
  if (!has_latency(ending) ||
      (worst.size() >= kWorstRequestsMax && ending.latency <= worst.back().latency)) {
    return;
  }
  WorstRequest kept;
  kept.intended = ending.intended;
  kept.latency = ending.latency;
  kept.run = run_;
  kept.status = ending.status;
  kept.failure = ending.failure;
  kept.request_id = std::string(ending.request_id.substr(0, kRequestIdBytesMax));
  kept.ledger = ledger_;
  const auto place = std::ranges::upper_bound(
      worst, kept.latency, [](Nanoseconds a, Nanoseconds b) { return a > b; },
      &WorstRequest::latency);
  worst.insert(place, std::move(kept));
  if (worst.size() > kWorstRequestsMax) {
    worst.pop_back();
  }
}

}  // namespace sk::bench
