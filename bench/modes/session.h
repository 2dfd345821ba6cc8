// Session: one target, loaded by one generator, from the first connection to the last.
//
// Owns the loop, the connections and what is sent. Everything here blocks: a session turns its own
// loop. Errors are lines for the person who typed the command.
#pragma once

#include "net/io/loop.h"
#include "net/io/resolver.h"

#include "bench/generator/client_pool.h"
#include "bench/generator/open_loop.h"
#include "bench/modes/options.h"
#include "bench/modes/recorder.h"
#include "bench/scenario/request_template.h"

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sk::bench {

class Session final : private RequestSource {
 public:
  // Resolves the target's name and reads the authorities. The scenario outlives the session.
  [[nodiscard]] static std::expected<std::unique_ptr<Session>, std::string> open(
      const Options& options, const Scenario& scenario, const std::string& url);
  ~Session();

  // Sends the setup requests, then each request once: a line if one is not answered as it should
  // be, because then the target is not what the scenario was written for.
  [[nodiscard]] std::optional<std::string> prepare_target();
  // Whether anything answers HTTP there at all, within that time.
  [[nodiscard]] bool wait_until_up(Duration patience);

  // One run at a multiple of the rates: a warm-up that is not recorded, then `duration`. label: for
  // the progress line. Reasons why it is not valid are appended to `invalid`.
  void run(double multiple, Duration duration, std::uint32_t number, Recorder& recorder,
           const std::string& label, std::vector<std::string>& invalid,
           std::uint64_t& outstanding_peak);
  // With that many requests in flight, for so long, whatever the rates.
  OpenLoopEnd run_closed(std::size_t connections, Duration duration, SampleSink& sink);

  [[nodiscard]] IoBackend backend() const { return loop_->backend(); }
  [[nodiscard]] const Loop& loop() const { return *loop_; }
  [[nodiscard]] const Target& target() const { return target_; }
  // The target's address is this machine's.
  [[nodiscard]] bool target_is_here() const;
  [[nodiscard]] const ClientPool& pool() const { return *pool_; }

 private:
  // What a request sent alone got.
  struct Got {
    std::string wrong;  // empty: as expected
    std::string body;
  };

  Session(const Options& options, const Scenario& scenario, Target target,
          std::unique_ptr<Loop> loop);

  Prepared prepare(std::uint32_t request, std::uint64_t sequence) override;
  [[nodiscard]] std::optional<std::string> resolve();
  void make_pool();
  Got ask(RequestTemplate& what, const ScenarioRequest& request, std::uint64_t sequence);
  [[nodiscard]] std::optional<std::string> run_setup();
  OpenLoopEnd run_arrivals(const std::vector<double>& rates, Duration duration, SampleSink& sink,
                           const std::string& label, std::uint64_t seed);
  void begin_phase(std::uint64_t requests);
  void drop_connections();

  const Options& options_;
  const Scenario& scenario_;
  const Target target_;
  const std::unique_ptr<Loop> loop_;
  Address address_;
  std::shared_ptr<const TlsClientContext> tls_;
  std::unique_ptr<ClientPool> pool_;
  Values values_;
  std::vector<RequestTemplate> templates_;  // of scenario_.requests
  AnswerCheck check_;
  std::uint64_t seed_;          // of the phase
  std::int64_t sequences_ = 0;  // used by phases before
};

}  // namespace sk::bench
