// What one invocation of sidekick-bench measured, and what follows from it: plain data.
//
// The modes fill Report up to the line "what follows", judge() (bench/report/judge.h) the rest; the
// writers (table.h, json.h, page.h) only read. Names and stages may come from a configuration file
// or a server: they are text to be escaped, bounded here in number and by the writers in length.
//
// Durations are nanoseconds of the monotonic clock; a latency runs from the *intended* send time to
// the last byte of the answer.
#pragma once

#include "bench/stats/budget_verdict.h"
#include "bench/stats/log_linear_histogram.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sk::bench {

using Nanoseconds = std::chrono::nanoseconds;

// Bounds. Whoever fills the model keeps them; the writers cut what is beyond.
inline constexpr std::size_t kRoutesMax = 256;
inline constexpr std::size_t kStagesMax = 24;  // per route; further ones are counted in the last
inline constexpr std::size_t kWorstRequestsMax = 20;  // per route
inline constexpr std::size_t kNameBytesMax = 128;     // of a route's or stage's name, as shown

// --- budgets ---

enum class BudgetLevel : std::uint8_t { p50, p99, p999, deadline };
inline constexpr std::size_t kBudgetLevels = 4;
inline constexpr std::array<BudgetLevel, kBudgetLevels> kAllBudgetLevels = {
    BudgetLevel::p50, BudgetLevel::p99, BudgetLevel::p999, BudgetLevel::deadline};

constexpr std::size_t index_of(BudgetLevel level) { return static_cast<std::size_t>(level); }

// "p50", "p99", "p99.9", "deadline".
[[nodiscard]] std::string_view to_string(BudgetLevel level);

// The quantile that a level speaks of. A deadline promises what a p99 does: it is the point where
// waiting ends, and a stricter promise is what p99.9 is for.
[[nodiscard]] constexpr double quantile_of(BudgetLevel level) {
  constexpr std::array<double, kBudgetLevels> kQuantiles = {0.5, 0.99, 0.999, 0.99};
  return kQuantiles[index_of(level)];
}

// The share of requests that may exceed the level's limit. (1 - 0.999 is not 0.001 in binary.)
[[nodiscard]] constexpr double allowed_share(BudgetLevel level) {
  constexpr std::array<double, kBudgetLevels> kShares = {0.5, 0.01, 0.001, 0.01};
  return kShares[index_of(level)];
}

struct Budget {
  std::array<std::optional<Nanoseconds>, kBudgetLevels> limits;

  [[nodiscard]] const std::optional<Nanoseconds>& limit(BudgetLevel level) const {
    return limits[index_of(level)];
  }
};

using PerLevel = std::array<std::uint64_t, kBudgetLevels>;

// --- requests that did not end as expected ---

enum class Failure : std::uint8_t {
  connect,    // refused, unreachable, no name
  tls,        // handshake or record
  reset,      // the connection broke before the answer was whole
  timeout,    // no whole answer within the generator's own limit
  malformed,  // not HTTP
  status,     // a status the scenario does not expect, other than 503 and 504
  check,      // the expected status, but the answer failed the scenario's check
  shed,       // 503: the target says that it will not be in time
  expired,    // 504: the target says that it was not in time
};
inline constexpr std::size_t kFailures = 9;

constexpr std::size_t index_of(Failure failure) { return static_cast<std::size_t>(failure); }
[[nodiscard]] std::string_view to_string(Failure failure);  // the enumerator's name

// Latency in another form: it exceeds the budget, and the run stays valid. Any other failure
// exceeds it too, and too many of them say that something else was measured.
[[nodiscard]] constexpr bool is_late(Failure failure) {
  return failure == Failure::timeout || failure == Failure::shed || failure == Failure::expired;
}

// --- a route ---

// One second of one run, by intended send time: a chart's point and the block of the bootstrap.
struct SecondRecord {
  std::uint32_t run = 0;       // from 0
  std::uint32_t second = 0;    // since the run's start
  std::uint64_t requests = 0;  // ended, whatever way
  std::uint64_t failed = 0;
  PerLevel over{};          // exceedances, exact: failed, or slower than the limit
  SparseHistogram latency;  // see RouteReport::latency
};

struct StageTime {
  std::uint32_t stage = 0;  // index in RouteReport::stages
  Nanoseconds duration{0};
};

// One request among a route's slowest; the ledger in the order in which the server told it.
struct WorstRequest {
  Nanoseconds intended{0};  // since the run's start
  Nanoseconds latency{0};
  std::uint32_t run = 0;
  std::uint16_t status = 0;  // 0: no answer
  std::optional<Failure> failure;
  std::string request_id;  // where the answer carried one
  std::vector<StageTime> ledger;
};

// A stage is a part of the request's way that the server timed and told in Server-Timing.
struct StageReport {
  std::string name;
  LogLinearHistogram duration;                    // over the requests that told it
  std::array<Nanoseconds, kBudgetLevels> over{};  // its sum over the requests beyond each limit
};

struct TopStage {
  std::string name;
  double share = 0;  // 0..1, of the time that all stages of the requests beyond the limit took
};

// One level of one route's budget, judged (bench/stats/budget_verdict.h has the rules).
struct LevelVerdict {
  BudgetLevel level = BudgetLevel::p50;
  Nanoseconds limit{0};
  Nanoseconds measured{0};  // the level's quantile, from the histogram: for the reader only
  std::uint64_t requests = 0;
  std::uint64_t exceedances = 0;
  double inflation = 1;  // how much the variance exceeds that of independent requests, >= 1
  double effective_requests = 0;          // requests / inflation
  std::optional<std::uint64_t> pass_max;  // exceedances at most, to pass; nothing: cannot pass
  std::optional<std::uint64_t> fail_min;  // exceedances at least, to fail
  std::uint32_t runs = 0;
  std::uint32_t runs_within = 0;  // runs whose own share of exceedances keeps the level
  Outcome outcome = Outcome::inconclusive;
  std::string reason;                            // why inconclusive, in one clause; else empty
  std::optional<std::uint64_t> requests_needed;  // where more of them would decide
  std::optional<TopStage> top_stage;  // where something exceeded the limit and stages are known
};

struct RouteReport {
  std::string name;  // unique in the report
  std::string method;
  std::string path;
  double rate = 0;  // requests per second that were intended
  Budget budget;

  std::uint64_t requests = 0;  // ended, whatever way: the n of the verdict
  std::uint64_t answered = 0;  // as expected; requests == answered + sum(failures)
  std::uint64_t in_time = 0;   // answered within the deadline, or at all where there is none
  std::array<std::uint64_t, kFailures> failures{};
  std::map<std::uint16_t, std::uint64_t> statuses;
  PerLevel over{};  // exceedances, exact; a failed request exceeds every limit
  // Requests answered as expected, and those that ended by `timeout` or `expired` with the time
  // after which they did. A quick refusal is not in it: it must not make a route look faster.
  LogLinearHistogram latency;
  std::vector<SecondRecord> seconds;  // by run, then second; seconds without requests may be absent
  std::vector<StageReport> stages;    // at most kStagesMax; in order of first appearance
  std::vector<WorstRequest> worst;    // slowest first, at most kWorstRequestsMax

  // what follows
  std::vector<LevelVerdict> verdicts;  // one per level that has a limit, in the levels' order
  Outcome outcome = Outcome::pass;
};

// --- the other modes ---

// One rate that the search for the capacity tried.
struct CapacityStep {
  double multiple = 0;  // of the configured rates
  double rate = 0;      // of all routes, requests per second
  std::uint64_t requests = 0;
  Outcome outcome = Outcome::inconclusive;
  bool valid = true;  // false: the generator was late or requests failed; counts as not kept
  std::string route;  // the route nearest to its limit, or that exceeded it
  BudgetLevel level = BudgetLevel::p99;
  Nanoseconds measured{0};
  Nanoseconds limit{0};
};

struct CapacityReport {
  std::vector<CapacityStep> steps;  // in the order in which they were tried
  std::optional<double> best_rate;  // requests per second; the highest that kept every budget
  std::optional<double> best_multiple;
};

// One offered rate of the overload sweep. Goodput is what was answered as expected and in time.
struct OverloadPoint {
  double multiple = 0;
  double offered = 0;  // requests per second
  double answered = 0;
  double goodput = 0;
  Nanoseconds p50{0};  // of the requests answered as expected
  Nanoseconds p99{0};
  std::uint64_t shed = 0;
  std::uint64_t expired = 0;
  std::uint64_t failed = 0;  // any other way
};

struct OverloadReport {
  std::vector<OverloadPoint> points;  // by rising multiple
  std::string multiple_of;            // "the configured rates"
};

// The two values of one pair, each from runs beside each other in time (A B B A).
struct ComparePair {
  double a = 0;
  double b = 0;
  bool counts = true;
  std::string why_not;  // where it does not count: "steal 4 %"
};

// One metric of one route over all pairs; what follows is the median of b / a.
struct CompareMetric {
  std::string route;
  std::string metric;  // "p50", "p99", "goodput"
  std::string unit;    // "ms", "/s"
  std::vector<ComparePair> pairs;

  // what follows
  std::uint32_t pairs_counted = 0;
  double ratio = 0;      // median of b / a
  double ratio_low = 0;  // the sign test's interval
  double ratio_high = 0;
  double confidence = 0;  // of that interval, 0..1
  bool differs = false;   // the interval has at least 95 % and does not hold 1
};

struct CompareReport {
  std::string a;  // what was compared, in the caller's words
  std::string b;
  std::vector<CompareMetric> metrics;
};

// --- the whole ---

enum class Mode : std::uint8_t { budgets, capacity, compare, overload };
[[nodiscard]] std::string_view to_string(Mode mode);

struct RunSettings {
  Mode mode = Mode::budgets;
  std::string command;   // as it could be typed again
  std::string target;    // URL
  std::string config;    // file of the budgets
  std::string scenario;  // file, or empty
  std::string io;        // "io_uring", "epoll"
  std::string arrivals;  // "poisson", "constant"
  std::uint32_t runs = 1;
  std::chrono::milliseconds duration{0};  // of one run
  std::chrono::milliseconds warm_up{0};   // before each, not counted
  std::uint32_t connections = 0;
  std::uint64_t outstanding_max = 0;
  std::uint64_t seed = 0;
  std::chrono::sys_seconds started_at{};
};

struct Machine {
  std::string host;
  std::string processor;
  std::uint32_t cores = 0;  // that this process may use
  std::string kernel;
  std::string version;                // of sidekick-bench
  bool shared_with_target = false;    // the target ran on the same machine as the generator
  std::optional<double> steal_share;  // 0..1 of processor time taken by the hypervisor meanwhile
};

struct Report {
  RunSettings settings;
  Machine machine;
  LogLinearHistogram lag;  // actual minus intended send time, all requests
  std::uint64_t outstanding_peak = 0;
  std::vector<RouteReport> routes;  // at most kRoutesMax
  std::optional<CapacityReport> capacity;
  std::optional<OverloadReport> overload;
  std::optional<CompareReport> compare;
  // Why no conclusion may be drawn: "the cap of 10,000 outstanding requests was hit". judge() adds
  // its own (generator late, too many failures, no requests).
  std::vector<std::string> invalid_reasons;

  // what follows
  Nanoseconds lag_p99{0};
  std::optional<Nanoseconds> lag_limit;  // p99 of the lag at most; nothing: no budget, no limit
  Outcome outcome = Outcome::pass;       // the worst of the routes'; meaningless where not valid

  [[nodiscard]] bool valid() const { return invalid_reasons.empty(); }
};

// 0 pass, 1 violated, 2 inconclusive, 3 invalid.
[[nodiscard]] int exit_code(const Report& report);

}  // namespace sk::bench
