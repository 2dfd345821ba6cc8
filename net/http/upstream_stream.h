// UpstreamStream: one request to an endpoint and its response; the mirror of Exchange.
//
// Made by a client (link_client, h1_client, later h2_client), driven by lb::Proxy, which knows
// nothing else. Calls in order: send(), then bodies in both directions at any pace, head() once per
// response head (informational ones first), then release through the pointer. Errors have origin
// upstream.
#pragma once

#include "net/http/body.h"
#include "net/http/exchange.h"
#include "net/http/head.h"

#include <memory>
#include <optional>

namespace sk {

// Where a request's time went at a worker, in the worker's words.
struct WorkerStages {
  Instant entered = kNever;      // the handler was; kNever: not yet, or nothing was noted
  std::optional<Stage> present;  // where the request is; nothing once it was answered
  std::optional<Stage> struck;   // where its deadline found it
  StageTimes times;              // up to the beginning of the present stage
};

class UpstreamStream {
 public:
  // Sends exchange.request with the exchange's id, deadline, class and peer. body: more comes
  // through request_body(). Queued, not awaited; an error means that nothing was sent.
  [[nodiscard]] virtual Result<void> send(const Exchange& exchange, bool body) = 0;
  [[nodiscard]] virtual BodyWriter& request_body() = 0;

  // The next response head, owned by the stream and valid until the next call; an error when there
  // will be none; nothing when it would have to wait. After 101 both bodies are a byte stream.
  [[nodiscard]] virtual std::optional<Result<ResponseHead*>> try_head() = 0;
  [[nodiscard]] virtual Event& head_event() = 0;
  [[nodiscard]] Task<Result<ResponseHead*>> head(CancelScope& scope, Instant until = kNever);
  [[nodiscard]] virtual BodyReader& response_body() = 0;
  // False when the head said that no body follows (END came with it, or framing says so).
  [[nodiscard]] virtual bool has_response_body() const = 0;
  // Pattern of the application's route, known after the final head; empty from plain endpoints.
  [[nodiscard]] virtual std::string_view route_pattern() const { return {}; }

  // What a worker has told so far about where the time goes: more than the present stage only where
  // the exchange's stages are timed. Not validated. Nothing from plain endpoints.
  [[nodiscard]] virtual std::optional<WorkerStages> worker_stages() const { return std::nullopt; }

  // Takes the request back. True: it certainly never started and never will, so any method may be
  // sent elsewhere. False: it may have run. The stream delivers nothing afterwards.
  [[nodiscard]] virtual bool take_back() = 0;

  // Lets go: an unfinished exchange is reset at the endpoint, a finished one frees or pools what it
  // used. The object belongs to its client and must not be touched any more.
  virtual void release() = 0;

 protected:
  ~UpstreamStream() = default;
};

struct ReleaseStream {
  void operator()(UpstreamStream* stream) const { stream->release(); }
};
using UpstreamStreamPtr = std::unique_ptr<UpstreamStream, ReleaseStream>;

}  // namespace sk
