// RequestRecord: what the proxy finds out about one request, for the log and the metrics.
//
// Taken from a pool when the request begins and given back when it is completed; an exchange points
// to its record by Exchange::handler_state.
#pragma once

#include "net/core/time.h"

#include "lb/config.h"
#include "lb/endpoint.h"
#include "lb/own_answer.h"
#include "lb/router.h"
#include "lb/stage_report.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace sk::lb {

struct RequestRecord {
  std::uint32_t route = Router::kNone;
  const Endpoint* endpoint = nullptr;  // of the last attempt
  std::string_view upstream;           // its name, as long-lived as the configuration
  std::optional<OwnAnswer> own_answer;
  Error error;  // what the last attempt failed with
  std::uint32_t attempts = 0;
  Instant attempt_at = kNever;           // the last attempt began
  Instant head_at = kNever;              // the final head of the answer came
  const BudgetConfig* budget = nullptr;  // of the route; null where this request is not measured
  WorkerWord worker;                     // of the last attempt, where stages are timed or it failed
  bool timing = false;                   // the answer shall carry Server-Timing
  bool health = false;                   // a probe: neither logged nor counted
  bool complete = false;                 // the answer was handed over to its very end

  // The application's route pattern: a copy, because the link it came from may be gone already.
  std::array<char, 128> pattern_bytes;
  std::uint8_t pattern_size = 0;

  std::string_view pattern() const { return {pattern_bytes.data(), pattern_size}; }
  void set_pattern(std::string_view text) {
    pattern_size = static_cast<std::uint8_t>(text.copy(pattern_bytes.data(), pattern_bytes.size()));
  }
};

// Records of one loop. Grows to the largest number of requests in flight.
class RequestRecords {
 public:
  RequestRecord& take() {
    if (free_.empty()) {
      free_.push_back(std::make_unique<RequestRecord>());
    }
    RequestRecord* record = free_.back().release();
    free_.pop_back();
    *record = RequestRecord{};
    return *record;
  }
  void give_back(RequestRecord& record) { free_.emplace_back(&record); }

 private:
  std::vector<std::unique_ptr<RequestRecord>> free_;
};

}  // namespace sk::lb
