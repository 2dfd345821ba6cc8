#include "lb/stage_report.h"

#include <algorithm>
#include <array>

namespace sk::lb {
namespace {

// What of a worker's word counts; its read and write waits are the balancer's to tell.
constexpr std::array kWorkerStages = {Stage::worker_wait, Stage::pg, Stage::pg_pool, Stage::redis,
                                      Stage::handler};

// The worker's own stages, with the present one up to when it was asked.
StageTimes worker_times(Instant forwarded, const WorkerWord& word) {
  StageTimes times;
  const WorkerStages& told = *word.stages;
  if (told.entered == kNever) {
    // Not begun, or begun without a note: all that has passed.
    times[told.present.value_or(Stage::worker_wait)] = word.at - forwarded;
    return times;
  }
  times = told.times;
  times[Stage::worker_wait] = told.entered - forwarded;
  if (told.present) {
    times[*told.present] += std::max(word.at - told.entered - told.times.sum(), Duration::zero());
  }
  return times;
}

}  // namespace

StageTimes join_stages(const StageClock& clock, Instant forwarded, const WorkerWord& word) {
  StageTimes times = clock.times();
  if (!word.stages || forwarded == kNever) {
    return times;
  }
  const StageTimes told = worker_times(forwarded, word);
  Duration left = times[Stage::upstream] + times[Stage::read] + times[Stage::write];
  for (const Stage stage : kWorkerStages) {
    times[stage] = std::clamp(told[stage], Duration::zero(), left);
    left -= times[stage];
  }
  // The rest: the client's body while the worker needed it, then the answer's way out.
  times[Stage::upstream] = Duration::zero();
  times[Stage::read] = std::min(times[Stage::read], left);
  times[Stage::write] = left - times[Stage::read];
  return times;
}

Stage present_stage(const StageLedger& ledger, const WorkerWord& word) {
  const StageClock& clock = ledger.clock;
  const Stage seen = clock.running() ? clock.struck().value_or(clock.present())
                     : ledger.at(Step::forwarded) != kNever ? Stage::upstream
                                                            : Stage::route;
  const bool with_endpoint = seen == Stage::upstream || seen == Stage::read;
  if (!with_endpoint || !word.stages) {
    return seen;
  }
  // A worker that reads waits for the same client.
  const WorkerStages& told = *word.stages;
  return told.struck.value_or(told.present.value_or(Stage::write));
}

}  // namespace sk::lb
