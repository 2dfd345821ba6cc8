// Runtime answers exchanges with an application's handlers: routes, reads bodies, runs the handler,
// turns whatever went wrong into a problem document, sends the response.
//
// One per loop. Requests that bring no deadline get the configured one for the time until their
// handler has answered. A streamed body that fails is reset, so that it looks truncated.
#pragma once

#include "net/http/exchange.h"

#include "app/context.h"
#include "app/routes.h"
#include "app/services.h"

#include <cstdint>
#include <exception>
#include <optional>
#include <string_view>

namespace sk::app {

// Who writes the two lines per request: the process itself where it runs alone, the balancer where
// it is a worker. Health paths are answered by both: a balancer asks its workers over the link.
enum class Role : std::uint8_t { alone, worker };

class Runtime final : public ExchangeHandler {
 public:
  Runtime(const Routes& routes, Services& services, Role role)
      : routes_(routes), services_(services), role_(role) {}

  [[nodiscard]] Task<void> handle(Exchange& exchange) override;
  void completed(Exchange& exchange) override;
  void rejected(const Rejection& rejection) override;

  // From now on /healthz and /readyz say 503.
  void set_stopping() { stopping_ = true; }

  struct Counters {
    std::uint64_t requests = 0;
    std::uint64_t handler_failures = 0;  // exceptions that no handler meant to be answers
    std::uint64_t truncated = 0;         // streams that failed after their head
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  // The answer without a handler: unknown path, wrong method, health. Nothing where one was found.
  [[nodiscard]] std::optional<Response> answer_unrouted(Exchange& exchange, const Match& match);
  // Calls the handler; what it throws becomes a response. A plain callable costs no coroutine
  // frame.
  [[nodiscard]] HandlerOutcome call(Context& context, const Handler& handler);
  // The same for what a coroutine throws later.
  [[nodiscard]] Task<Response> finish(Context& context, Task<Response> task);
  [[nodiscard]] Response explain(Context& context, const std::exception_ptr& thrown);
  // What one exchange holds of the memory for bodies; given back with it.
  class BodyHold {
   public:
    explicit BodyHold(std::size_t& total) : total_(total) {}
    ~BodyHold() { total_ -= held_; }
    BodyHold(const BodyHold&) = delete;
    BodyHold& operator=(const BodyHold&) = delete;

    // Holds `bytes` in all from now on; false where the sum would be more than most.
    [[nodiscard]] bool grow_to(std::size_t bytes, std::size_t most) {
      if (bytes > held_ && total_ + (bytes - held_) > most) {
        return false;
      }
      total_ += bytes > held_ ? bytes - held_ : 0;
      held_ = bytes > held_ ? bytes : held_;
      return true;
    }

   private:
    std::size_t& total_;
    std::size_t held_ = 0;
  };

  // 413 and the like, or nothing with the body in context.
  [[nodiscard]] Task<std::optional<Response>> read_body(Context& context, BodyHold& hold);
  // Sends the head, and the body where that needs no waiting. False: send_body() has to.
  [[nodiscard]] bool send_at_once(Exchange& exchange, Response& response);
  [[nodiscard]] Task<void> send_body(Exchange& exchange, Response& response);
  [[nodiscard]] Task<void> send_stream(Exchange& exchange, Response& response);
  [[nodiscard]] Response failure(Context& context, const Error& error, std::string_view message);
  // Sends the head; more tells whether a body follows.
  [[nodiscard]] Result<void> begin_response(Exchange& exchange, Response& response, bool& more);
  void log_error(Exchange& exchange, std::string_view message, std::string_view detail);

  const Routes& routes_;
  Services& services_;
  const Role role_;
  bool stopping_ = false;
  std::size_t bodies_bytes_ = 0;  // held by exchanges whose bodies are read whole
  Counters counters_;
};

}  // namespace sk::app
