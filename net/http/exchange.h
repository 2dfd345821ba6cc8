// Exchange: one request and its response, whatever carried it.
//
// Three servers produce exchanges (h1_server, link_server, later h2_server), two handlers consume
// them (lb::Proxy, app's router). The server fills the upper part, calls handler.handle(exchange)
// and, when that has returned, finishes what the handler left open: no response becomes a 500, a
// response that was begun and not finished is reset, so that it looks truncated.
//
// The exchange owns its request head. scope() is cancelled when the downstream has gone (reset or
// closed) or the deadline passed; the peer's half-close does not cancel. Children that the handler
// spawns into tasks() must have ended when handle() returns.
#pragma once

#include "net/core/time.h"
#include "net/http/body.h"
#include "net/http/head.h"
#include "net/http/request_id.h"
#include "net/http/stages.h"
#include "net/io/cancel.h"
#include "net/io/task_group.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sk {

// Who is at the other end of the downstream connection. Views live as long as the connection.
struct Peer {
  std::string_view address;  // "203.0.113.9", "::1", "unix"
  std::uint16_t port = 0;
  bool tls = false;
};

// Decides whether and when a request may run; reserved for admission, travels over the link.
enum class RequestClass : std::uint8_t { normal = 0, critical = 1, background = 2 };

class Exchange {
 public:
  explicit Exchange(Loop& loop) : tasks_(loop), loop_(loop) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // --- set by the server before handle() ---
  RequestHead request;
  RequestId id;
  Peer peer;
  Peer remote;  // the client as the balancer saw it; equals peer where nothing is in between
  std::string_view traceparent;  // validated W3C trace context, or empty
  RequestClass request_class = RequestClass::normal;
  StageLedger stages;

  [[nodiscard]] CancelScope& scope() { return *scope_; }
  [[nodiscard]] TaskGroup& tasks() { return tasks_; }
  [[nodiscard]] Loop& loop() const { return loop_; }
  // When the whole exchange must be over; kNever without one. May be moved by the handler.
  [[nodiscard]] Instant deadline() const { return scope_->deadline(); }
  void set_deadline(Instant deadline) { scope_->set_deadline(deadline); }
  // From now on stages.clock divides the time, and what waits in scope() tells it for what.
  void time_stages(Stage base, Instant at, StageObserver* observer = nullptr) {
    stages.clock.start(base, at, observer);
    scope_->set_stage_clock(&stages.clock);
  }

  // --- request body ---
  // False when the head already said that there is none: then reading yields the clean end.
  [[nodiscard]] bool has_request_body() const { return has_request_body_; }
  [[nodiscard]] virtual BodyReader& request_body() = 0;

  // --- response ---
  // 100-continue is the server's own business (it is sent when the handler first reads the body);
  // this forwards 103 and other 1xx. No effect once a final head was sent.
  virtual void inform(const ResponseHead& head) = 0;
  // Sends the final head. body: more comes through response_body(); without it the response is
  // complete (HEAD, 204, 304, or empty). Called at most once. The server decides the framing, adds
  // Date and connection fields, and refuses an invalid head (an Error; the caller may try again
  // with another one).
  [[nodiscard]] virtual Result<void> respond(const ResponseHead& head, bool body) = 0;
  [[nodiscard]] virtual BodyWriter& response_body() = 0;
  // Sends a 101 (or for h2 a 200) and turns both bodies into the two directions of a byte stream.
  [[nodiscard]] virtual Result<void> upgrade(const ResponseHead& head) = 0;
  // The downstream connection is not used again after this exchange.
  virtual void close_after() = 0;

  [[nodiscard]] bool responded() const { return status_ != 0; }
  // Status of the final response, 0 before.
  [[nodiscard]] std::uint16_t status() const { return status_; }
  // Bytes of response body accepted so far.
  [[nodiscard]] std::uint64_t response_bytes() const { return response_bytes_; }

  // Route pattern as logs and metrics know it ("/users/:id"): static, or as long-lived as the
  // endpoint or route it came from. Set by whoever routes.
  std::string_view route_pattern;
  // Its place in the application's table of patterns, which a worker's HELLO lists; kNoRoute where
  // no route matched or the handler keeps no table.
  static constexpr std::uint16_t kNoRoute = 0xffff;
  std::uint16_t route_index = kNoRoute;

  // The handler's own, from handle() to completed(); null before.
  void* handler_state = nullptr;

  virtual ~Exchange() = default;

 protected:
  // Makes the exchange ready for the next request of the same connection or slot.
  void begin(CancelScope& parent) {
    stages.reset();
    status_ = 0;
    response_bytes_ = 0;
    has_request_body_ = false;
    route_pattern = {};
    handler_state = nullptr;
    route_index = kNoRoute;
    traceparent = {};
    request_class = RequestClass::normal;
    scope_.emplace(parent);
  }
  void end() {
    scope_.reset();
    request.reset();
  }

  std::optional<CancelScope> scope_;
  TaskGroup tasks_;
  Loop& loop_;
  std::uint16_t status_ = 0;
  std::uint64_t response_bytes_ = 0;
  bool has_request_body_ = false;
};

// A request that never became an exchange: the parser refused it and the server answered.
struct Rejection {
  Peer peer;
  std::uint16_t status = 400;  // what was answered; 0 if the connection was closed without
  std::string_view reason;     // static: "bad_content_length", "header_timeout"
};

class ExchangeHandler {
 public:
  // Answers the exchange. Called on the exchange's loop; must return soon after scope() was
  // cancelled. Exceptions end the exchange with 500 or, after the head, with a reset.
  [[nodiscard]] virtual Task<void> handle(Exchange& exchange) = 0;
  // The exchange is over and its response, if any, handed to the transport: log and count here.
  virtual void completed(Exchange& exchange) = 0;
  virtual void rejected(const Rejection& rejection) = 0;

 protected:
  ~ExchangeHandler() = default;
};

}  // namespace sk
