#include "app/runtime.h"

#include "net/core/log_line.h"
#include "net/io/loop.h"

#include "app/health.h"
#include "app/request_log.h"
#include "app/response_stream.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace sk::app {
namespace {

Response refusal(std::uint16_t status, std::string detail, std::string_view path,
                 std::string allow = {}) {
  Problem problem;
  problem.status = status;
  problem.detail = std::move(detail);
  problem.instance = path;
  problem.allow = std::move(allow);
  return problem.to_response();
}

// Of an exchange whose deadline has passed.
Expiry expiry_of(Exchange& exchange) {
  const StageLedger& stages = exchange.stages;
  const Instant begun = stages.at(Step::received);
  return Expiry{.route = exchange.route_pattern,
                .allowed = exchange.deadline() - begun,
                .spent = exchange.loop().read_clock() - begun,
                .stage = stages.clock.struck().value_or(stages.clock.present())};
}

bool status_has_body(std::uint16_t status) { return status != 204 && status != 304; }

}  // namespace

Task<void> Runtime::handle(Exchange& exchange) {
  ++counters_.requests;
  const Match match = routes_.router().match(exchange.request.method, exchange.request.path);
  if (match.kind != MatchKind::no_path) {
    exchange.route_pattern = routes_.router().patterns()[match.pattern_id];
    exchange.route_index = static_cast<std::uint16_t>(match.pattern_id);
  }
  const Instant now = services_.loop.now();
  exchange.stages.mark(Step::routed, now);
  if (role_ == Role::alone) {
    exchange.time_stages(Stage::handler, now);  // behind a balancer the link does, where it is told
  }
  if (role_ == Role::alone && services_.log != nullptr) {
    log_request_start(*services_.log, exchange, services_.config.log_requests);
  }

  std::optional<Response> response = answer_unrouted(exchange, match);
  if (!response) {
    const bool own_deadline = exchange.deadline() == kNever;
    if (own_deadline) {
      exchange.set_deadline(after(now, services_.config.request_deadline));
    }
    exchange.stages.mark(Step::forwarded, now);
    const Handler& handler = routes_.handler(match.handler);
    BodyHold hold(bodies_bytes_);
    Context context(services_, exchange, routes_.router(), match);
    if (handler.wants_body()) {
      response = co_await read_body(context, hold);
    }
    if (!response) {
      HandlerOutcome outcome = call(context, handler);
      if (auto* task = std::get_if<Task<Response>>(&outcome)) {
        response = co_await finish(context, std::move(*task));
      } else {
        response = std::move(std::get<Response>(outcome));
      }
    }
    if (own_deadline && !exchange.scope().cancelled()) {
      // A large response to a slow client may take longer; the write-stall timeout watches over it.
      exchange.set_deadline(kNever);
    }
  }
  if (!send_at_once(exchange, *response)) {
    co_await send_body(exchange, *response);
  }
}

std::optional<Response> Runtime::answer_unrouted(Exchange& exchange, const Match& match) {
  const std::string_view path = exchange.request.path;
  switch (match.kind) {
    case MatchKind::found:
      return std::nullopt;
    case MatchKind::no_method:
      return refusal(
          405,
          "This path does not know the method " + std::string(exchange.request.method_text) + ".",
          path, routes_.router().allow(match.pattern_id));
    case MatchKind::no_path:
      break;
  }
  const Method method = exchange.request.method;
  if (method == Method::get || method == Method::head) {
    if (auto health = answer_health(path, health_of(services_, stopping_))) {
      return health;
    }
  }
  return refusal(404, "There is nothing at this path.", path);
}

HandlerOutcome Runtime::call(Context& context, const Handler& handler) {
  try {
    return handler.call(context);
  } catch (...) {
    return explain(context, std::current_exception());
  }
}

Task<Response> Runtime::finish(Context& context, Task<Response> task) {
  try {
    Response response = co_await task;
    co_return response;
  } catch (...) {
    co_return explain(context, std::current_exception());
  }
}

Response Runtime::explain(Context& context, const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const HttpError& error) {
    Problem problem = error.problem();
    if (problem.instance.empty()) {
      problem.instance = context.path();
    }
    return problem.to_response();
  } catch (const ServiceError& error) {
    return failure(context, error.error(), error.what());
  } catch (const std::exception& error) {
    ++counters_.handler_failures;
    return failure(context, Error{}, error.what());
  } catch (...) {
    ++counters_.handler_failures;
    return failure(context, Error{}, "the handler threw something that is no std::exception");
  }
}

Response Runtime::failure(Context& context, const Error& error, std::string_view message) {
  const CancelScope& scope = context.scope();
  // The client's leaving is no failure of ours; the deadline's is told as such, whoever noticed it.
  const bool left = scope.cancelled() && scope.reason() != ErrorCode::deadline;
  if (!left) {
    context.log_error("request failed", message);
  }
  Problem problem = problem_of(scope.cancelled() ? scope.error() : error);
  problem.instance = context.path();
  if (scope.cancelled() && scope.reason() == ErrorCode::deadline) {
    problem.expiry = expiry_of(context.exchange());
  }
  return problem.to_response();
}

Task<std::optional<Response>> Runtime::read_body(Context& context, BodyHold& hold) {
  Exchange& exchange = context.exchange();
  std::string& body = context.body_;
  const std::size_t limit = services_.config.body_limit_bytes;
  const std::uint64_t declared = exchange.request.content_length.value_or(0);
  const auto too_large = [&] {
    exchange.request_body().stop();
    return refusal(413, "The body is larger than " + std::to_string(limit) + " bytes.",
                   exchange.request.path);
  };
  const auto too_many = [&] {
    exchange.request_body().stop();
    Problem problem;
    problem.status = 503;
    problem.detail = "Too many large requests at once.";
    problem.instance = exchange.request.path;
    problem.retry_after = std::chrono::seconds(1);
    return problem.to_response();
  };
  const std::size_t most = services_.config.bodies_max_bytes;
  if (declared > limit) {
    co_return too_large();
  }
  if (!hold.grow_to(static_cast<std::size_t>(declared), most)) {
    co_return too_many();
  }
  body.reserve(static_cast<std::size_t>(declared) + JsonReader::kPaddingBytes);
  if (!exchange.has_request_body()) {
    co_return std::nullopt;
  }
  BodyReader& reader = exchange.request_body();
  while (true) {
    const Result<Slice> piece = co_await reader.read(exchange.scope());
    if (!piece) {
      if (exchange.scope().cancelled()) {
        co_return failure(context, piece.error(), "the request body did not arrive in time");
      }
      co_return refusal(400, "The body ended before it was complete.", exchange.request.path);
    }
    if (piece->empty()) {
      break;
    }
    if (body.size() + piece->size() > limit) {
      co_return too_large();
    }
    if (!hold.grow_to(body.size() + piece->size(), most)) {
      co_return too_many();
    }
    body.append(piece->view());
  }
  body.reserve(body.size() + JsonReader::kPaddingBytes);
  co_return std::nullopt;
}

Result<void> Runtime::begin_response(Exchange& exchange, Response& response, bool& more) {
  ResponseHead& head = response.head();
  // Framing is the server's: a handler's own idea of it could only contradict.
  head.fields.remove(HeaderId::content_length);
  head.fields.remove(HeaderId::transfer_encoding);
  head.fields.remove(HeaderId::connection);
  const bool streamed = response.stream() != nullptr;
  if (!streamed && status_has_body(head.status)) {
    head.content_length = response.body().size();
  }
  more = exchange.request.method != Method::head && status_has_body(head.status) &&
         (streamed || !response.body().empty());
  return exchange.respond(head, more);
}

bool Runtime::send_at_once(Exchange& exchange, Response& response) {
  bool more = false;
  Result<void> begun = begin_response(exchange, response, more);
  if (!begun && !exchange.responded() && !exchange.scope().cancelled()) {
    log_error(exchange, "the handler's response head was refused", describe(begun.error()));
    response =
        refusal(500, "The service made a mistake; it has been logged.", exchange.request.path);
    begun = begin_response(exchange, response, more);
  }
  if (!begun || !more) {
    return true;
  }
  const std::string_view body = response.body();
  if (response.stream() != nullptr || body.size() > kBufferBytes ||
      !exchange.response_body().writable()) {
    return false;
  }
  exchange.response_body().write(response.body_is_static()
                                     ? Slice::of_static(body)
                                     : copy_to_slice(services_.loop.buffers(), body));
  exchange.response_body().finish();
  return true;
}

Task<void> Runtime::send_body(Exchange& exchange, Response& response) {
  if (response.stream() != nullptr) {
    co_await send_stream(exchange, response);
    co_return;
  }
  ResponseStream stream(exchange);
  Result<void> written;
  if (response.body_is_static()) {
    written = co_await stream.write_static(response.body());
  } else {
    written = co_await stream.write(response.body());
  }
  if (written) {
    exchange.response_body().finish();
  } else {
    exchange.response_body().reset(written.error().code);
  }
}

Task<void> Runtime::send_stream(Exchange& exchange, Response& response) {
  ResponseStream stream(exchange);
  std::string trouble;
  ErrorCode code = ErrorCode::internal;
  bool complete = false;
  try {
    Task<Result<void>> task = (*response.stream())(stream);
    const Result<void> done = co_await task;
    complete = done.has_value();
    if (!complete) {
      code = done.error().code;
      trouble = describe(done.error());
    }
  } catch (const std::exception& error) {
    trouble = error.what();
  } catch (...) {
    trouble = "the stream threw something that is no std::exception";
  }
  if (complete) {
    exchange.response_body().finish();
    co_return;
  }
  ++counters_.truncated;
  exchange.response_body().reset(code);
  if (!exchange.scope().cancelled()) {
    log_error(exchange, "response truncated", trouble);
  }
}

void Runtime::log_error(Exchange& exchange, std::string_view message, std::string_view detail) {
  if (services_.log != nullptr) {
    const std::string id = "req-" + std::string(exchange.id.view());
    services_.log->event(LogLevel::error, message, {{"reqId", id}, {"err", detail}});
  }
}

void Runtime::completed(Exchange& exchange) {
  if (role_ == Role::alone && services_.log != nullptr) {
    log_request_end(*services_.log, exchange, services_.config.log_requests);
  }
}

void Runtime::rejected(const Rejection& rejection) {
  if (role_ == Role::alone && services_.log != nullptr) {
    services_.log->event(LogLevel::warn, "request refused before it was one",
                         {{"remoteAddress", rejection.peer.address},
                          {"status", rejection.status},
                          {"reason", rejection.reason}});
  }
}

}  // namespace sk::app
