#include "net/http/h1_exchange.h"

#include "net/http/h1_serialiser.h"
#include "net/http/traceparent.h"
#include "net/io/loop.h"

#include <algorithm>
#include <string>

namespace sk {
namespace {

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

ErrorCode code_of(std::uint16_t status) noexcept {
  return status == 413 || status == 431 ? ErrorCode::too_large : ErrorCode::malformed;
}

}  // namespace

H1Exchange::H1Exchange(H1Server& server, Transport& transport)
    : Exchange(transport.loop()),
      server_(server),
      transport_(transport),
      parser_(server.config().limits),
      input_(transport, ErrorOrigin::downstream),
      reader_(*this),
      writer_(*this),
      body_timer_(*this) {}

// ---- reading ------------------------------------------------------------------------------------

void H1Exchange::await_request() {
  if (input_.empty()) {
    request.release();  // an idle connection holds no block for its next head
  }
  parser_.begin(request);
}

H1Exchange::Progress H1Exchange::read_head() {
  while (true) {
    switch (input_.poll()) {
      case TransportInput::State::wait:
        return Progress::wait;
      case TransportInput::State::broken:
        return Progress::ended;
      case TransportInput::State::end:
        if (parser_.finish().event == H1Event::error) {
          rejection_ = parser_.error();
          return Progress::rejected;
        }
        return Progress::ended;
      case TransportInput::State::bytes:
        break;
    }
    const H1Step step = parser_.feed(input_.view());
    input_.use_up(step.consumed);
    if (step.event == H1Event::head) {
      return Progress::head;
    }
    if (step.event == H1Event::error) {
      rejection_ = parser_.error();
      return Progress::rejected;
    }
  }
}

void H1Exchange::start(CancelScope& parent, bool may_continue) {
  begin(parent);
  id = server_.ids_.next();
  request.scheme = peer.tls ? Scheme::https : Scheme::http;
  const std::string_view trace = request.fields.get(HeaderId::traceparent);
  if (is_traceparent(trace)) {
    traceparent = trace;
  }
  stages.mark(Step::received, loop().now());
  has_request_body_ = !parser_.framing().empty();
  body_state_ = has_request_body_ ? BodyState::reading : BodyState::done;
  if (!has_request_body_) {
    static_cast<void>(parser_.feed({}));  // the end, which consumes nothing
  }
  continue_owed_ = parser_.connection().expect_continue;
  waited_ = Duration::zero();
  window_bytes_ = 0;
  may_continue_ = may_continue;
  keep_alive_ = false;
  close_wanted_ = false;
  response_done_ = false;
  aborted_ = false;
  tunnel_ = false;
}

void H1Exchange::abandon(ErrorCode reason) {
  if (scope_) {
    scope_->cancel(reason);
  }
}

std::optional<Result<Slice>> H1Exchange::fail_body(ErrorCode code, const char* reason) {
  loop().timers().disarm(body_timer_);
  body_state_ = BodyState::failed;
  body_error_ = Error{code, ErrorOrigin::downstream, 0, reason};
  return fail(body_error_);
}

std::optional<Result<Slice>> H1Exchange::read_body() {
  if (tunnel_) {
    return read_tunnel();
  }
  if (body_state_ == BodyState::done) {
    return Slice();
  }
  if (body_state_ == BodyState::failed) {
    return fail(body_error_);
  }
  send_continue();
  while (true) {
    switch (input_.poll()) {
      case TransportInput::State::wait:
        wait_for_body();
        return std::nullopt;
      case TransportInput::State::broken:
        return fail_body(input_.error().code, input_.error().detail);
      case TransportInput::State::end:
        static_cast<void>(parser_.finish());
        rejection_ = parser_.error();
        return fail_body(ErrorCode::closed, rejection_.reason);
      case TransportInput::State::bytes:
        break;
    }
    const H1Step step = parser_.feed(input_.view());
    Slice bytes;
    if (step.event == H1Event::body) {
      bytes = input_.part(step.body);
    }
    input_.use_up(step.consumed);
    switch (step.event) {
      case H1Event::body:
        body_came(bytes.size());
        if (parser_.at_end()) {
          static_cast<void>(parser_.feed({}));
          body_state_ = BodyState::done;
        }
        return bytes;
      case H1Event::end:
        loop().timers().disarm(body_timer_);
        body_state_ = BodyState::done;
        return Slice();
      case H1Event::error:
        rejection_ = parser_.error();
        return fail_body(code_of(rejection_.status), rejection_.reason);
      case H1Event::need_more:
      case H1Event::head:
        break;
    }
  }
}

std::optional<Result<Slice>> H1Exchange::read_tunnel() {
  switch (input_.poll()) {
    case TransportInput::State::wait:
      return std::nullopt;
    case TransportInput::State::broken:
      return fail(input_.error());
    case TransportInput::State::end:
      return Slice();
    case TransportInput::State::bytes:
      break;
  }
  return input_.take();
}

// A window of body_idle_timeout of waiting must bring body_min_rate bytes per second of it; the
// time in which the handler does something else does not count.
void H1Exchange::wait_for_body() {
  if (wait_began_ != kNever) {
    return;
  }
  wait_began_ = loop().now();
  loop().timers().arm(body_timer_,
                      after(wait_began_, Duration(server_.config().body_idle_timeout) - waited_));
}

void H1Exchange::body_came(std::size_t bytes) {
  if (wait_began_ != kNever) {
    waited_ += loop().now() - wait_began_;
    wait_began_ = kNever;
    loop().timers().disarm(body_timer_);
  }
  window_bytes_ += bytes;
  const std::chrono::seconds window =
      std::chrono::ceil<std::chrono::seconds>(server_.config().body_idle_timeout);
  const auto wanted =
      static_cast<std::uint64_t>(window.count()) * server_.config().body_min_rate_bytes_per_s;
  if (window_bytes_ >= wanted) {
    window_bytes_ = 0;
    waited_ = Duration::zero();
  }
}

void H1Exchange::BodyTimer::fired(TimerNode& timer) {
  H1Exchange& self = static_cast<BodyTimer&>(timer).exchange;
  self.wait_began_ = kNever;
  ++self.server_.counters_.body_timeouts;
  self.rejection_ = {408, "body_timeout"};
  static_cast<void>(self.fail_body(ErrorCode::timeout, "body_timeout"));
  self.transport_.input_event().set();
}

void H1Exchange::send_continue() {
  if (!continue_owed_) {
    return;
  }
  continue_owed_ = false;
  // Pointless where the body is on its way already, or where the final head has gone out.
  if (input_.empty() && !transport_.readable() && !responded()) {
    transport_.output().append_copy(kContinue);
    transport_.flush();
  }
}

Task<bool> H1Exchange::drop_request_body(CancelScope& scope, Instant until) {
  std::uint64_t dropped = 0;
  while (body_state_ == BodyState::reading && dropped <= server_.config().linger_bytes) {
    std::optional<Result<Slice>> bytes = read_body();
    if (!bytes) {
      const Result<void> waited = co_await transport_.input_event().wait(scope, until);
      if (!waited) {
        break;
      }
      continue;
    }
    if (bytes->has_value()) {
      dropped += (*bytes)->size();
    }
  }
  loop().timers().disarm(body_timer_);
  wait_began_ = kNever;
  co_return body_state_ == BodyState::done;
}

// ---- writing ------------------------------------------------------------------------------------

void H1Exchange::inform(const ResponseHead& head) {
  // 100 is the server's own business and 101 is upgrade(); HTTP/1.0 knows no interim responses.
  if (responded() || request.version == HttpVersion::http10 || head.status == 100 ||
      head.status == 101) {
    return;
  }
  if (write_informational(transport_.output(), head)) {
    transport_.flush();
  }
}

// Whether the connection can go on although the request's body has not been read to its end: only
// where the rest is known to be small, or may still be read by the handler.
bool H1Exchange::request_may_be_dropped() const {
  return parser_.framing().kind == BodyKind::length &&
         parser_.framing().length <= server_.config().linger_bytes;
}

Result<void> H1Exchange::respond(const ResponseHead& head, bool body) {
  if (responded()) {
    return fail(ErrorCode::conflict, "a response was sent already");
  }
  const Framing framing = outgoing_response_framing(head.status, request.method, request.version,
                                                    body, head.content_length);
  bool keep_alive = parser_.connection().keep_alive && may_continue_ && !close_wanted_ &&
                    !server_.last_responses() && framing.kind != BodyKind::until_close;
  if (body_state_ == BodyState::failed) {
    keep_alive = false;
  } else if (body_state_ == BodyState::reading) {
    // A client that waits for 100 may or may not send its body now; a refusal means that nobody
    // will read the rest.
    keep_alive = keep_alive && !continue_owed_ && (head.status < 400 || request_may_be_dropped());
  }
  const ResponseWrite how{framing, request.version, keep_alive, loop().wall_clock_ms() / 1000};
  if (Result<void> written = write_response_head(transport_.output(), head, how); !written) {
    return written;
  }
  status_ = head.status;
  keep_alive_ = keep_alive;
  response_framing_ = framing;
  response_left_ = framing.length;
  response_done_ = !body || framing.empty();
  stages.mark(Step::response_head, loop().now());
  transport_.flush();
  return {};
}

Result<void> H1Exchange::upgrade(const ResponseHead& head) {
  if (responded() || !request.websocket) {
    return fail(ErrorCode::conflict, "the request does not ask for an upgrade");
  }
  ResponseHead switching;
  switching.status = 101;
  for (const HeaderField& field : head.fields) {
    switching.fields.add_view(field.id(), field.name(), field.value());
  }
  const ResponseWrite how{{}, request.version, true, loop().wall_clock_ms() / 1000};
  if (Result<void> written = write_response_head(transport_.output(), switching, how); !written) {
    return written;
  }
  status_ = 101;
  tunnel_ = true;
  has_request_body_ = true;
  stages.mark(Step::response_head, loop().now());
  transport_.flush();
  return {};
}

bool H1Exchange::Writer::writable() const {
  return exchange_.transport_.unsent() < exchange_.server_.config().output_buffer_bytes ||
         exchange_.transport_.broken();
}

void H1Exchange::Writer::reset(ErrorCode) {
  if (exchange_.responded() && !exchange_.response_done_) {
    exchange_.aborted_ = true;
    exchange_.response_done_ = true;
  }
}

void H1Exchange::write_body(Slice bytes) {
  if (response_done_ || bytes.empty() || transport_.broken()) {
    return;
  }
  if (!tunnel_ && response_framing_.kind == BodyKind::length) {
    if (bytes.size() > response_left_) {
      // More than the handler had declared: the rest has no place in this message.
      aborted_ = true;
      bytes = bytes.sub(0, static_cast<std::size_t>(response_left_));
    }
    response_left_ -= bytes.size();
  }
  response_bytes_ += bytes.size();
  if (!tunnel_ && response_framing_.kind == BodyKind::chunked) {
    write_chunk(transport_.output(), std::move(bytes));
  } else {
    transport_.output().append(std::move(bytes));
  }
  transport_.flush();
}

void H1Exchange::finish_body(const Fields& trailers) {
  if (response_done_ || !responded()) {
    return;
  }
  response_done_ = true;
  if (tunnel_) {
    transport_.shutdown_write();
    return;
  }
  if (response_framing_.kind == BodyKind::chunked) {
    write_last_chunk(transport_.output(), trailers);
    transport_.flush();
  } else if (response_framing_.kind == BodyKind::length && response_left_ > 0) {
    aborted_ = true;  // less than declared: the client must not take it for the whole
  }
}

void H1Exchange::settle(bool failed) {
  loop().timers().disarm(body_timer_);
  wait_began_ = kNever;
  if (!responded() && !transport_.broken()) {
    answer_for_handler(failed);
  }
  if (!response_done_ || transport_.broken()) {
    aborted_ = true;
  }
  if (aborted_) {
    ++server_.counters_.aborted;
  }
  stages.mark(Step::finished, loop().now());
}

// The handler has left without a response.
void H1Exchange::answer_for_handler(bool failed) {
  if (failed) {
    write_own_response(500, "handler_failed");
  } else if (scope_->cancelled()) {
    if (scope_->reason() == ErrorCode::deadline) {
      write_own_response(504, "deadline");
    }
  } else if (body_state_ == BodyState::failed && rejection_.status != 0) {
    write_own_response(rejection_.status, rejection_.reason);
  } else {
    write_own_response(500, "handler_gave_no_response");
  }
}

void H1Exchange::write_own_response(std::uint16_t status, std::string_view detail) {
  std::string text = "{\"type\": \"about:blank\", \"title\": \"";
  text.append(reason_phrase(status)).append("\", \"status\": ").append(std::to_string(status));
  text.append(", \"detail\": \"").append(detail).append("\"}\n");
  ResponseHead head;
  head.status = status;
  head.content_length = text.size();
  head.fields.add_view(HeaderId::content_type, "application/problem+json");
  if (const Result<void> begun = respond(head, true); !begun) {
    aborted_ = true;
    return;
  }
  write_body(copy_to_slice(loop().buffers(), text));
  finish_body({});
}

void H1Exchange::write_rejection(const Reject& why) {
  // No exchange was begun, so that nothing of a former one may be used.
  status_ = 0;
  may_continue_ = false;
  response_done_ = false;
  aborted_ = false;
  tunnel_ = false;
  body_state_ = BodyState::failed;
  if (request.method_text.empty()) {
    request.set_method(Method::get);
  }
  write_own_response(why.status, why.reason);
}

}  // namespace sk
