// RouteRecorder turns the endings of one route's requests into its RouteReport.
//
// Owned by whoever drives the route; not thread-safe. Per request it costs two histogram
// increments and a few comparisons, and the reading of Server-Timing where the answer has one. It
// allocates when a second begins and when a request is among the slowest.
//
// Endings come in any order of intended times within `window`; one that is older still counts in
// everything, but in the oldest second that is open. The report must outlive the recorder, and is
// complete after end_run() of the last run.
#pragma once

#include "bench/report/model.h"
#include "bench/stats/log_linear_histogram.h"

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace sk::bench {

struct RequestEnding {
  Nanoseconds intended{0};   // since the run's start, >= 0
  Nanoseconds latency{0};    // from there to the last byte, or until it was given up
  std::uint16_t status = 0;  // 0: no answer
  std::optional<Failure> failure;
  std::string_view server_timing;  // the field's value; empty: there is none
  std::string_view request_id;
};

// What of the latency the server's own stages do not explain: the network, the accept queue, and
// requests ahead of this one on its connection. Only where the server told a `total`.
inline constexpr std::string_view kStageOutside = "outside";

class RouteRecorder {
 public:
  // `report` has its name and budget. `window`: the longest time from intended to ending.
  RouteRecorder(RouteReport& report, std::chrono::seconds window);

  void begin_run(std::uint32_t run);
  void record(const RequestEnding& ending);
  void end_run();

 private:
  struct OpenSecond {
    SecondRecord record;
    LogLinearHistogram latency;
  };

  OpenSecond& second_of(Nanoseconds intended);
  void close_first();
  void record_stages(const RequestEnding& ending, const PerLevel& over);
  void keep_if_worst(const RequestEnding& ending);
  std::uint32_t stage_index(std::string_view name);

  RouteReport& report_;
  const std::size_t window_;  // seconds
  std::uint32_t run_ = 0;
  std::uint32_t first_second_ = 0;  // of open_
  std::deque<std::unique_ptr<OpenSecond>> open_;
  std::vector<std::unique_ptr<OpenSecond>> spare_;
  std::vector<StageTime> ledger_;  // of the request at hand
};

}  // namespace sk::bench
