// StageReport: where the time of a request went, joined from what the balancer's clock saw and what
// the worker told.
//
// The balancer's clock is exact and knows route, connect, read, write and, as `upstream`, the time
// in which it waited for the endpoint. A worker's word divides that further. It is not trusted:
// whatever it says, the times of a report add up to what the balancer measured.
#pragma once

#include "net/http/stages.h"
#include "net/http/upstream_stream.h"

#include <optional>

namespace sk::lb {

// What a worker had told when it was asked.
struct WorkerWord {
  std::optional<WorkerStages> stages;  // nothing from plain endpoints
  Instant at = kNever;                 // when it was asked
};

// clock: advanced to the instant the report is about. forwarded: to the endpoint that answered.
[[nodiscard]] StageTimes join_stages(const StageClock& clock, Instant forwarded,
                                     const WorkerWord& word);

// Where the request is, or was when its deadline passed. The clock need not have run: then the
// steps it has made tell.
[[nodiscard]] Stage present_stage(const StageLedger& ledger, const WorkerWord& word);

}  // namespace sk::lb
