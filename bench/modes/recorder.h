// Recorder: every finished request of a run, checked and put where it belongs.
//
// One RouteRecorder per request of the scenario, the lag's histogram, the raw results if they are
// wanted. While it is not recording (warm-up) it only checks.
#pragma once

#include "bench/generator/open_loop.h"
#include "bench/modes/raw_results.h"
#include "bench/report/model.h"
#include "bench/report/route_recorder.h"
#include "bench/scenario/answer_check.h"
#include "bench/scenario/scenario.h"

#include <memory>
#include <string>
#include <vector>

namespace sk::bench {

// Budgets of the model from those of the configuration.
[[nodiscard]] Budget budget_of(const ScenarioRequest& request);
// A report per request of the scenario, empty yet, at that multiple of its rate.
[[nodiscard]] std::vector<RouteReport> empty_reports(const Scenario& scenario, double multiple);

// How the answer, or the lack of it, counts; nothing for a right answer.
[[nodiscard]] std::optional<Failure> failure_of(Ending ending, const Answer* answer,
                                                const Expectation& expect, AnswerCheck& check,
                                                std::string& why);

class Recorder final : public SampleSink {
 public:
  // raw may be null. All outlive this; reports and lag are complete after the last end_run().
  Recorder(const Scenario& scenario, std::vector<RouteReport>& reports, LogLinearHistogram& lag,
           Duration timeout, RawResults* raw);

  void begin_run(std::uint32_t run);
  void end_run();

  void began(Instant at) override { began_ = at; }
  void take(const Sample& sample) override;

  // One line for each request of the scenario whose failures are so many that something else was
  // measured (kFailedShareMax): what the first of them was.
  void explain(std::vector<std::string>& reasons) const;

 private:
  const Scenario& scenario_;
  const std::vector<RouteReport>& reports_;
  LogLinearHistogram& lag_;
  RawResults* raw_;
  AnswerCheck check_;
  std::vector<std::unique_ptr<RouteRecorder>> routes_;
  std::vector<std::string> first_wrong_;
  std::string why_;
  Instant began_;
};

}  // namespace sk::bench
