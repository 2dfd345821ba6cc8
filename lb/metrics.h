// Metrics: what the balancer counts. One ThreadMetrics per data thread, summed when read.
//
// A thread writes only its own; nothing on the request path is shared or locked. The set of
// counters is fixed when the configuration is known, so its size is bounded by the number of
// routes.
#pragma once

#include "lb/budget.h"
#include "lb/config.h"
#include "lb/histogram.h"
#include "lb/own_answer.h"
#include "lb/prometheus_text.h"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sk::lb {

// Of a route with a budget.
struct BudgetMetrics {
  void count(const BudgetVerdict& verdict);

  Cell requests;
  std::array<Cell, kLimits.size()> over;
  std::array<std::array<Cell, kStages>, kLimits.size()> top_stage;  // of those over the limit
  std::array<Cell, kStages> stage_us;
};

struct RouteMetrics {
  static constexpr std::size_t kAborted = 0;  // the client left before it was answered
  std::array<Cell, 6> by_class;               // index 1-5: 1xx to 5xx
  Cell response_bytes;
  Histogram duration;
  Histogram upstream_header;
  std::unique_ptr<BudgetMetrics> budget;  // null where the route states none
};

struct ThreadMetrics {
  explicit ThreadMetrics(const std::vector<RouteConfig>& route_configs);

  // The last one is for requests that no route matched.
  std::vector<RouteMetrics> routes;
  std::array<Cell, kOwnAnswers> own_answers;
  std::array<Cell, 600> rejected;  // by status
  Cell requests_begun;             // that reached a route decision; health probes are none
  Cell retries;
  Cell connections_opened;
  Cell connections_closed;
  Cell handshakes_done;
  Cell handshakes_failed;
  Cell upstream_opened;
  Cell upstream_reused;
};

class Metrics {
 public:
  Metrics(const Config& config, std::size_t threads);

  ThreadMetrics& thread(std::size_t index) { return *threads_[index]; }

  // All families that the data threads count. Any thread.
  void print(PrometheusText& out) const;

  std::uint64_t connections_open() const;

 private:
  void print_budgets(PrometheusText& out) const;

  std::vector<std::optional<BudgetConfig>> budgets_;  // by route
  std::vector<std::string> route_names_;  // "api.example.com/v1/*", and "none" as the last
  std::vector<std::unique_ptr<ThreadMetrics>> threads_;
};

}  // namespace sk::lb
