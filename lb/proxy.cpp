#include "lb/proxy.h"

#include "net/core/units.h"
#include "net/http/hop_by_hop.h"
#include "net/io/loop.h"

#include "lb/client_identity.h"
#include "lb/own_response.h"
#include "lb/stage_text.h"
#include "lb/timing_gate.h"

#include <algorithm>
#include <string>

namespace sk::lb {
namespace {

constexpr Duration kTunnelIdle = 1h;
constexpr Duration kProbeTimeout = 2s;

RequestRecord& record_of(Exchange& exchange) {
  return *static_cast<RequestRecord*>(exchange.handler_state);
}

bool client_gone(Exchange& exchange) {
  return exchange.scope().cancelled() && exchange.scope().reason() != ErrorCode::deadline;
}

Duration time_allowed(const RouteConfig& route) {
  return route.budget && route.budget->deadline ? *route.budget->deadline : route.total_timeout;
}

std::uint32_t time_left_percent(Exchange& exchange, Instant begun, Instant now) {
  const Instant deadline = exchange.deadline();
  if (deadline == kNever || deadline <= begun) {
    return 100;
  }
  const Duration whole = deadline - begun;
  const Duration left = std::max(deadline - now, Duration::zero());
  return static_cast<std::uint32_t>(left.count() * 100 / whole.count());
}

// Ends the upload of an attempt with the attempt: its task must not outlive the stream.
class UploadTask {
 public:
  UploadTask(Exchange& exchange, bool needed) : exchange_(exchange), needed_(needed) {
    if (needed_) {
      scope_.emplace(exchange.scope());
    }
  }
  bool needed() const { return needed_; }
  CancelScope& scope() { return *scope_; }
  void start(Upload& upload, UpstreamStream& stream) {
    exchange_.tasks().spawn(upload.send(stream, *scope_));
  }
  Task<void> end() {
    scope_->cancel();
    co_await exchange_.tasks().join();
    scope_.reset();
  }

 private:
  Exchange& exchange_;
  const bool needed_;
  std::optional<CancelScope> scope_;
};

}  // namespace

Proxy::Proxy(ThreadContext& context) : context_(context), access_log_(context.log, context.config) {
  probe_route_.response_header_timeout = kProbeTimeout;
  probe_route_.total_timeout = kProbeTimeout;
}

void Proxy::begin(Exchange& exchange, const ListenerConfig& listener) {
  exchange.handler_state = &records_.take();
  identify_client(exchange, listener);
}

Task<void> Proxy::serve(Exchange& exchange, const ListenerConfig& listener) {
  RequestRecord& record = record_of(exchange);
  count_local(exchange);
  record.timing = admit_timing(exchange, listener, context_.config.server);
  record.route = context_.router.match(exchange.request.host(), exchange.request.path);
  if (record.route == Router::kNone) {
    refuse(exchange, OwnAnswer::no_route);
    co_return;
  }
  const RouteConfig& route = context_.config.routes[record.route];
  exchange.route_pattern = route.path;
  // A tunnel lasts as long as its users like, and has no deadline either.
  record.budget = route.budget && !exchange.request.websocket ? &*route.budget : nullptr;
  if (record.budget != nullptr || record.timing) {
    exchange.time_stages(Stage::route, exchange.stages.at(Step::received));
  }
  if (exchange.request.content_length && *exchange.request.content_length > route.body_bytes) {
    refuse(exchange, OwnAnswer::body_too_large);
    co_return;
  }
  apply_forwarding(exchange.request, {exchange.peer.address, is_trusted(exchange.peer, listener)});
  UpstreamClient& upstream = *context_.upstreams[context_.route_upstreams[record.route]];
  co_await forward(exchange, record, upstream, route);
}

void Proxy::mark_probe(Exchange& exchange) { record_of(exchange).health = true; }

void Proxy::count_local(Exchange& exchange) {
  context_.metrics.requests_begun.add();
  access_log_.begun(exchange);
}

void Proxy::redirect(Exchange& exchange, std::string_view location) {
  ResponseHead head;
  head.status = 308;
  head.content_length = 0;
  head.fields.add(HeaderId::location, location);
  record_of(exchange).complete = exchange.respond(head, false).has_value();
}

Task<void> Proxy::forward_probe(Exchange& exchange, std::uint32_t upstream) {
  RequestRecord& record = record_of(exchange);
  record.health = true;
  co_await forward(exchange, record, *context_.upstreams[upstream], probe_route_);
}

Task<void> Proxy::forward(Exchange& exchange, RequestRecord& record, UpstreamClient& upstream,
                          const RouteConfig& route) {
  const Instant begun = std::min(exchange.stages.at(Step::received), context_.loop.now());
  if (!exchange.request.websocket) {
    exchange.set_deadline(after(begun, time_allowed(route)));
  }
  record.upstream = upstream.upstream().config().name;
  Job job{exchange, record, upstream, route, Upload(exchange, route.body_bytes)};
  FailedAttempt failed;
  while (true) {
    const std::uint32_t attempts_before = record.attempts;
    FailedAttempt now_failed;
    const Result<void> done = co_await attempt(job, now_failed);
    if (done) {
      co_return;
    }
    if (record.attempts == attempts_before) {
      // There was no endpoint to try. Of a second attempt this is no news: the first one's failure
      // is what the client shall hear.
      if (attempts_before > 0) {
        give_up(job, failed);
      } else {
        refuse(exchange, why_no_endpoint(upstream.upstream()));
      }
      co_return;
    }
    failed = now_failed;
    failed.attempts_max = upstream.upstream().config().retries + 1;
    failed.other_endpoint = job.fresh_connection || upstream.upstream().usable(job.except);
    record.error = done.error();
    failed.error = done.error().code;
    failed.idempotent = is_idempotent(exchange.request.method);
    failed.body_replayable = job.upload.replayable();
    failed.client_gone = client_gone(exchange);
    failed.attempts_made = record.attempts;
    failed.time_left_percent = time_left_percent(exchange, begun, context_.loop.now());
    if (job.upload.fault()) {
      refuse(exchange, *job.upload.fault());
      co_return;
    }
    if (may_retry(failed) != RetryVerdict::retry) {
      give_up(job, failed);
      co_return;
    }
    context_.metrics.retries.add();
    exchange.stages.clock.set_base(Stage::route, context_.loop.now());
    exchange.stages.clock.reassign(Stage::upstream, Stage::route);
    record.worker = {};
    job.upload.rewind();
  }
}

Task<Result<void>> Proxy::attempt(Job& job, FailedAttempt& failed) {
  Loop& loop = context_.loop;
  failed.never_started = true;
  Endpoint* endpoint = job.upstream.pick(job.except, loop.now());
  if (endpoint == nullptr) {
    co_return fail(ErrorCode::unavailable, "no endpoint", ErrorOrigin::upstream);
  }
  InFlight in_flight(endpoint);
  ++job.record.attempts;
  job.record.endpoint = endpoint;
  job.record.attempt_at = loop.now();
  job.exchange.stages.mark(Step::routed, loop.now());

  EndpointClient& client = job.upstream.client(*endpoint);
  UpstreamStreamPtr stream = job.fresh_connection ? nullptr : client.try_open();
  const bool reused = stream != nullptr && client.reuses_connections();
  if (stream == nullptr) {
    const Instant until = after(loop.now(), job.upstream.upstream().config().connect_timeout);
    job.exchange.stages.clock.set_base(Stage::connect, loop.now());
    Result<UpstreamStreamPtr> opened = co_await client.open(job.exchange.scope(), until);
    if (!opened) {
      job.except = endpoint;
      // Full, or not up yet, is no fault of a worker.
      const ErrorCode code = opened.error().code;
      if (code != ErrorCode::overloaded && code != ErrorCode::unavailable &&
          !job.exchange.scope().cancelled()) {
        endpoint->failed(loop.now());
      }
      co_return fail(opened.error());
    }
    stream = std::move(*opened);
  }
  if (client.counts_streams()) {
    in_flight.leave();
  }
  // A pooled connection that turns out to be stale says nothing about its endpoint.
  job.except = reused ? nullptr : endpoint;
  job.fresh_connection = reused;
  const Result<void> result = co_await converse(job, *stream, failed);
  if (failed.answer_begun) {
    endpoint->succeeded();
  } else if (!result && !reused && result.error().code != ErrorCode::refused &&
             !job.exchange.scope().cancelled() && !job.upload.fault()) {
    endpoint->failed(loop.now());
  }
  co_return result;
}

Task<Result<void>> Proxy::converse(Job& job, UpstreamStream& stream, FailedAttempt& failed) {
  Exchange& exchange = job.exchange;
  const bool websocket = exchange.request.websocket;
  UploadTask upload(exchange, exchange.has_request_body() && !websocket);
  const Result<void> sent = stream.send(exchange, upload.needed());
  if (!sent) {
    failed.never_started = stream.take_back();
    co_return sent;
  }
  exchange.stages.mark(Step::forwarded, context_.loop.now());
  exchange.stages.clock.set_base(Stage::upstream, context_.loop.now());
  if (upload.needed()) {
    upload.start(job.upload, stream);
  }
  const Result<ResponseHead*> head = co_await final_head(job, stream);
  if (!head) {
    // What the endpoint has not begun, it never will: that decides about another attempt.
    ask_worker(job, stream);
    failed.never_started = stream.take_back();
    if (upload.needed()) {
      co_await upload.end();
    }
    co_return fail(head.error());
  }
  failed.answer_begun = true;
  job.record.head_at = context_.loop.now();
  exchange.stages.mark(Step::response_head, job.record.head_at);
  job.record.set_pattern(stream.route_pattern());
  if ((*head)->status == 101) {
    co_await tunnel(job, stream, **head);
  } else {
    co_await respond(job, stream, **head);
  }
  if (exchange.stages.clock.running()) {
    ask_worker(job, stream);
  }
  if (upload.needed()) {
    co_await upload.end();
  }
  co_return Result<void>();
}

Task<Result<ResponseHead*>> Proxy::final_head(Job& job, UpstreamStream& stream) {
  Exchange& exchange = job.exchange;
  const bool uploads = exchange.has_request_body() && !exchange.request.websocket;
  const Instant forwarded = context_.loop.now();
  while (true) {
    std::optional<Result<ResponseHead*>> next = stream.try_head();
    if (next && !*next) {
      co_return *next;
    }
    if (next) {
      ResponseHead& head = ***next;
      if (head.status == 101 && !exchange.request.websocket) {
        co_return fail(ErrorCode::malformed, "101 that nobody asked for", ErrorOrigin::upstream);
      }
      if (!head.informational() || head.status == 101) {
        co_return &head;
      }
      if (head.status != 100) {  // 100 is between each two neighbours
        exchange.inform(head);
      }
      continue;
    }
    if (job.upload.fault()) {
      co_return fail(ErrorCode::cancelled, "request body", ErrorOrigin::downstream);
    }
    // While the body is on its way its own timeouts watch over it.
    const Instant sent = uploads ? job.upload.sent_at() : forwarded;
    const Instant until = sent == kNever ? kNever : after(sent, job.route.response_header_timeout);
    const Result<void> waited = co_await stream.head_event().wait(exchange.scope(), until);
    if (!waited) {
      Error error = waited.error();
      error.origin = ErrorOrigin::upstream;
      error.detail = "response head";
      co_return fail(error);
    }
  }
}

void Proxy::ask_worker(Job& job, UpstreamStream& stream) {
  job.record.worker = {stream.worker_stages(), context_.loop.now()};
}

StageTimes Proxy::stages_of(Exchange& exchange, const RequestRecord& record, Instant now) {
  StageLedger& stages = exchange.stages;
  stages.clock.advance(now);
  return join_stages(stages.clock, stages.at(Step::forwarded), record.worker);
}

Task<void> Proxy::respond(Job& job, UpstreamStream& stream, ResponseHead& head) {
  Exchange& exchange = job.exchange;
  if (job.record.health && head.status == 404) {
    respond_json(exchange, 200, "{\"status\":\"ok\"}");  // a program without health of its own
    co_return;
  }
  if (job.record.timing) {
    ask_worker(job, stream);
    const StageTimes times = stages_of(exchange, job.record, context_.loop.now());
    head.fields.add(HeaderId::server_timing, StageText::for_header(times).view());
  }
  const bool body = stream.has_response_body();
  const Result<void> accepted = exchange.respond(head, body);
  if (!accepted) {
    job.record.error = accepted.error();
    refuse(exchange, OwnAnswer::bad_response);
    co_return;
  }
  if (!body) {
    job.record.complete = true;
    co_return;
  }
  BodyReader& from = stream.response_body();
  BodyWriter& to = exchange.response_body();
  // Most answers are here already, whole: they need no pump.
  while (to.writable() && !to.broken()) {
    std::optional<Result<Slice>> piece = from.try_read();
    if (!piece || !*piece) {
      break;
    }
    if ((*piece)->empty()) {
      to.finish(from.trailers());
      job.record.complete = true;
      co_return;
    }
    to.write(std::move(**piece));
  }
  const Result<void> pumped =
      co_await pump(from, to, exchange.scope(), job.route.between_bytes_timeout);
  job.record.complete = pumped.has_value();
  if (!pumped) {
    job.record.error = pumped.error();
  }
}

Task<void> Proxy::tunnel(Job& job, UpstreamStream& stream, const ResponseHead& head) {
  Exchange& exchange = job.exchange;
  const Result<void> accepted = exchange.upgrade(head);
  if (!accepted) {
    job.record.error = accepted.error();
    refuse(exchange, OwnAnswer::upgrade_refused);
    co_return;
  }
  CancelScope both(exchange.scope());
  const auto carry = [](BodyReader& from, BodyWriter& to, CancelScope& scope) -> Task<void> {
    const Result<void> pumped = co_await pump(from, to, scope, kTunnelIdle);
    if (!pumped) {
      scope.cancel(pumped.error().code);
    }
  };
  exchange.tasks().spawn(carry(exchange.request_body(), stream.request_body(), both));
  co_await carry(stream.response_body(), exchange.response_body(), both);
  co_await exchange.tasks().join();
  job.record.complete = !both.cancelled();
}

OwnAnswer Proxy::why_no_endpoint(const Upstream& upstream) const {
  return upstream.usable() ? OwnAnswer::overloaded : OwnAnswer::no_worker;
}

void Proxy::give_up(Job& job, const FailedAttempt& failed) {
  Exchange& exchange = job.exchange;
  if (failed.client_gone) {
    return;
  }
  const Error& error = job.record.error;
  const OwnAnswer answer = answer_for(error, failed.never_started);
  ProblemDetails details;
  std::string route;
  std::string detail;
  if (answer == OwnAnswer::deadline) {
    route = job.route.host + job.route.path;
    details.expiry = expiry_of(job);
    details.expiry->route = route;
    detail = "route " + route + " allows " + format_duration(details.expiry->allowed) +
             "; the time ran out in the stage " + std::string(to_string(details.expiry->stage));
    details.detail = detail;
  }
  context_.log.event(
      LogLevel::warn, "attempt failed",
      {{"reqId", "req-" + std::string(exchange.id.view())},
       {"reason", text_of(answer).reason},
       {"retry", to_string(may_retry(failed))},
       {"attempts", job.record.attempts},
       {"error", describe(error)},
       {"upstream", job.record.upstream},
       {"endpoint", job.record.endpoint != nullptr ? std::string_view(job.record.endpoint->name())
                                                   : std::string_view()}});
  refuse(exchange, answer, details);
}

Expiry Proxy::expiry_of(const Job& job) {
  const StageLedger& stages = job.exchange.stages;
  const Instant received = stages.at(Step::received);
  return {.route = {},
          .allowed = job.exchange.deadline() - received,
          .spent = context_.loop.read_clock() - received,
          .stage = present_stage(stages, job.record.worker)};
}

void Proxy::refuse(Exchange& exchange, OwnAnswer answer, std::string_view detail) {
  refuse(exchange, answer, ProblemDetails{.detail = detail});
}

void Proxy::refuse(Exchange& exchange, OwnAnswer answer, ProblemDetails details) {
  RequestRecord& record = record_of(exchange);
  record.own_answer = answer;
  context_.metrics.own_answers[static_cast<std::size_t>(answer)].add();
  if (!exchange.responded()) {
    std::optional<StageText> timing;
    if (record.timing && exchange.stages.clock.running()) {
      timing = StageText::for_header(stages_of(exchange, record, context_.loop.now()));
      details.server_timing = timing->view();
    }
    respond_problem(exchange, answer, details);
    record.complete = true;
  }
}

void Proxy::completed(Exchange& exchange) {
  auto* const record = static_cast<RequestRecord*>(exchange.handler_state);
  if (record == nullptr) {
    return;
  }
  exchange.handler_state = nullptr;
  if (!record->health) {
    const Instant now = context_.loop.read_clock();
    const std::size_t last = context_.metrics.routes.size() - 1;
    RouteMetrics& metrics = context_.metrics.routes[std::min<std::size_t>(record->route, last)];
    const bool aborted = was_aborted(exchange, *record);
    if (record->budget != nullptr) {
      const CancelScope& scope = exchange.scope();
      const bool expired = scope.cancelled() && scope.reason() == ErrorCode::deadline;
      const BudgetVerdict verdict =
          judge(*record->budget, stages_of(exchange, *record, now), expired);
      if (!aborted) {
        metrics.budget->count(verdict);
      }
      access_log_.ended(exchange, *record, now,
                        StageText::for_log(verdict, record->budget->deadline).view());
    } else {
      access_log_.ended(exchange, *record, now, {});
    }
    metrics.by_class[aborted ? RouteMetrics::kAborted : exchange.status() / 100U].add();
    metrics.response_bytes.add(exchange.response_bytes());
    const Instant received = exchange.stages.at(Step::received);
    if (received != kNever && !aborted) {
      metrics.duration.record(now - received);
    }
    if (record->head_at != kNever) {
      metrics.upstream_header.record(record->head_at - record->attempt_at);
    }
  }
  records_.give_back(*record);
}

void Proxy::rejected(const Rejection& rejection) {
  const std::uint16_t status = rejection.status < 600 ? rejection.status : 0;
  context_.metrics.rejected[status].add();
  access_log_.rejected(rejection);
}

}  // namespace sk::lb
