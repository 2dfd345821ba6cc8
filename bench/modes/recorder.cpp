#include "bench/modes/recorder.h"

#include "bench/report/judge.h"

#include <algorithm>

namespace sk::bench {
namespace {

constexpr std::uint16_t kServiceUnavailable = 503;
constexpr std::uint16_t kGatewayTimeout = 504;

std::string_view said_of(Ending ending) {
  switch (ending) {
    case Ending::unreachable:
      return "no connection";
    case Ending::handshake:
      return "TLS was not agreed upon";
    case Ending::broken:
      return "the connection broke";
    case Ending::malformed:
      return "the answer is not HTTP";
    case Ending::timed_out:
      return "no answer in time";
    case Ending::answered:
      break;
  }
  return "";
}

}  // namespace

Budget budget_of(const ScenarioRequest& request) {
  Budget budget;
  if (request.budget) {
    budget.limits = {request.budget->p50, request.budget->p99, request.budget->p999,
                     request.budget->deadline};
  }
  return budget;
}

std::vector<RouteReport> empty_reports(const Scenario& scenario, double multiple) {
  std::vector<RouteReport> reports;
  for (const ScenarioRequest& request : scenario.requests) {
    RouteReport& report = reports.emplace_back();
    report.name = request.name;
    report.method = request.method;
    report.path = request.host + request.path;
    report.rate = request.rate * multiple;
    report.budget = budget_of(request);
  }
  return reports;
}

std::optional<Failure> failure_of(Ending ending, const Answer* answer, const Expectation& expect,
                                  AnswerCheck& check, std::string& why) {
  why.clear();
  switch (ending) {
    case Ending::unreachable:
      return Failure::connect;
    case Ending::handshake:
      return Failure::tls;
    case Ending::broken:
      return Failure::reset;
    case Ending::malformed:
      return Failure::malformed;
    case Ending::timed_out:
      return Failure::timeout;
    case Ending::answered:
      break;
  }
  const std::uint16_t status = answer->head.status;
  if (!AnswerCheck::status_expected(expect, status)) {
    why = check.wrong(expect, *answer);
    if (status == kServiceUnavailable) {
      return Failure::shed;
    }
    return status == kGatewayTimeout ? Failure::expired : Failure::status;
  }
  if (expect.headers.empty() && !expect.looks_at_body()) {
    return std::nullopt;
  }
  why = check.wrong(expect, *answer);
  return why.empty() ? std::nullopt : std::optional(Failure::check);
}

Recorder::Recorder(const Scenario& scenario, std::vector<RouteReport>& reports,
                   LogLinearHistogram& lag, Duration timeout, RawResults* raw)
    : scenario_(scenario),
      reports_(reports),
      lag_(lag),
      raw_(raw),
      first_wrong_(scenario.requests.size()) {
  // A request waits for a connection before its own time begins, hence a second more.
  const auto window = std::chrono::ceil<std::chrono::seconds>(timeout) + std::chrono::seconds(1);
  for (RouteReport& report : reports) {
    routes_.push_back(std::make_unique<RouteRecorder>(report, window));
  }
}

void Recorder::begin_run(std::uint32_t run) {
  for (const auto& route : routes_) {
    route->begin_run(run);
  }
  if (raw_ != nullptr) {
    raw_->begin_run(run);
  }
}

void Recorder::end_run() {
  for (const auto& route : routes_) {
    route->end_run();
  }
}

void Recorder::explain(std::vector<std::string>& reasons) const {
  for (std::size_t i = 0; i < reports_.size(); ++i) {
    std::uint64_t failed = 0;
    for (std::size_t failure = 0; failure < kFailures; ++failure) {
      failed += is_late(static_cast<Failure>(failure)) ? 0 : reports_[i].failures[failure];
    }
    if (static_cast<double>(failed) > kFailedShareMax * static_cast<double>(reports_[i].requests)) {
      reasons.push_back("request " + reports_[i].name + ": " + first_wrong_[i]);
    }
  }
}

void Recorder::take(const Sample& sample) {
  const std::uint32_t index = sample.job.request;
  RequestEnding ending;
  ending.intended = sample.job.due - began_;
  ending.latency = sample.latency();
  ending.failure =
      failure_of(sample.ending, sample.answer, scenario_.requests[index].expect, check_, why_);
  if (sample.answer != nullptr) {
    const Fields& fields = sample.answer->head.fields;
    ending.status = sample.answer->head.status;
    ending.server_timing = fields.get(HeaderId::server_timing);
    ending.request_id = fields.get(HeaderId::x_request_id);
  }
  if (ending.failure && !is_late(*ending.failure) && first_wrong_[index].empty()) {
    first_wrong_[index] = why_.empty() ? std::string(said_of(sample.ending)) : why_;
    if (sample.answer == nullptr) {
      first_wrong_[index] += ": " + describe(sample.error);
    }
  }
  const auto lag = std::max(sample.job.lag(), Duration::zero());
  // What was never sent says nothing of the generator's punctuality.
  if (sample.job.sent != Instant()) {
    lag_.record(static_cast<std::uint64_t>(lag.count()));
  }
  routes_[index]->record(ending);
  if (raw_ != nullptr) {
    raw_->write(index, ending, lag);
  }
}

}  // namespace sk::bench
