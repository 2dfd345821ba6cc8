#include "net/http/h1_client_stream.h"

#include "net/core/assert.h"
#include "net/http/h1_serialiser.h"

namespace sk {

H1ClientStream::H1ClientStream(H1ClientConnection& connection)
    : connection_(connection),
      transport_(connection.transport()),
      parser_(connection.config_.limits),
      input_(transport_, ErrorOrigin::upstream),
      reader_(*this),
      writer_(*this) {}

void H1ClientStream::open() {
  SK_ASSERT(!open_);
  open_ = true;
  phase_ = Phase::fresh;
  error_ = {};
  interim_pending_ = false;
  interim_ = 0;
  request_framing_ = {};
  request_left_ = 0;
  request_done_ = false;
  write_end_.reset();
}

void H1ClientStream::release() {
  SK_ASSERT(open_);
  open_ = false;
  if (!clean()) {
    phase_ = Phase::failed;  // and stays so: what made it unclean may be dropped now
    static_cast<void>(input_.take());
  }
  head_.release();
  connection_.owner_.stream_released(connection_);
}

bool H1ClientStream::clean() const {
  return phase_ == Phase::complete && request_done_ && input_.empty() &&
         parser_.connection().keep_alive && parser_.framing().kind != BodyKind::until_close;
}

// ---- the request --------------------------------------------------------------------------------

Result<void> H1ClientStream::send(const Exchange& exchange, bool body) {
  SK_ASSERT(open_);
  SK_ASSERT(phase_ == Phase::fresh);
  if (transport_.broken() || transport_.readable()) {
    return fail(ErrorCode::closed, "endpoint closed the idle connection", ErrorOrigin::upstream);
  }
  const RequestHead& request = exchange.request;
  request_framing_ = outgoing_request_framing(request.method, body, request.content_length);
  const RequestWrite how{request_framing_, true, connection_.authority_, exchange.id.view()};
  if (Result<void> written = write_request_head(transport_.output(), request, how); !written) {
    return written;
  }
  transport_.flush();
  method_ = request.method;
  websocket_ = request.websocket;
  request_left_ = request_framing_.length;
  request_done_ = request_framing_.empty();
  ++connection_.requests_;
  phase_ = Phase::head;
  parser_.begin(head_, method_);
  return {};
}

bool H1ClientStream::Writer::writable() const {
  return stream_.transport_.unsent() < stream_.connection_.config_.output_buffer_bytes ||
         broken().has_value();
}

Event& H1ClientStream::Writer::writable_event() { return stream_.transport_.output_event(); }

const std::optional<Error>& H1ClientStream::Writer::broken() const {
  return stream_.write_end_ ? stream_.write_end_ : stream_.transport_.broken();
}

void H1ClientStream::Writer::reset(ErrorCode reason) {
  if (!stream_.request_done_ && !stream_.write_end_) {
    stream_.write_end_ = Error{reason, ErrorOrigin::upstream, 0, "request was reset"};
  }
}

void H1ClientStream::write_body(Slice bytes) {
  if (request_done_ || write_end_ || bytes.empty() || transport_.broken()) {
    return;
  }
  if (phase_ == Phase::tunnel) {
    transport_.output().append(std::move(bytes));
  } else if (request_framing_.kind == BodyKind::chunked) {
    write_chunk(transport_.output(), std::move(bytes));
  } else {
    if (bytes.size() > request_left_) {
      // Surplus would be read as the next request: nothing more leaves on this connection.
      write_end_ = Error{ErrorCode::malformed, ErrorOrigin::downstream, 0,
                         "request body longer than declared"};
      return;
    }
    request_left_ -= bytes.size();
    transport_.output().append(std::move(bytes));
  }
  transport_.flush();
}

void H1ClientStream::finish_body(const Fields& trailers) {
  if (request_done_ || write_end_) {
    return;
  }
  if (phase_ == Phase::tunnel) {
    request_done_ = true;
    transport_.shutdown_write();
    return;
  }
  if (request_framing_.kind == BodyKind::length && request_left_ > 0) {
    write_end_ = Error{ErrorCode::malformed, ErrorOrigin::downstream, 0,
                       "request body shorter than declared"};
    return;
  }
  request_done_ = true;
  if (request_framing_.kind == BodyKind::chunked) {
    write_last_chunk(transport_.output(), trailers);
    transport_.flush();
  }
}

// Only bytes that the kernel has never seen are certainly unknown to the endpoint, and which those
// are cannot be told from here once the turn is over.
bool H1ClientStream::take_back() {
  const bool never_sent = phase_ == Phase::fresh;
  fail_with(ErrorCode::cancelled, "taken back");
  return never_sent;
}

// ---- the response -------------------------------------------------------------------------------

Event& H1ClientStream::head_event() { return transport_.input_event(); }

Error H1ClientStream::fail_with(ErrorCode code, const char* reason) {
  phase_ = Phase::failed;
  error_ = Error{code, ErrorOrigin::upstream, 0, reason};
  if (!write_end_) {
    write_end_ = error_;
  }
  transport_.output_event().set();  // a producer that waits for room must learn of it
  return error_;
}

void H1ClientStream::response_over() {
  phase_ = Phase::complete;
  if (!request_done_ && !write_end_) {
    // An early answer: the endpoint does not want the rest (RFC 9112 9.5).
    write_end_ = Error{ErrorCode::cancelled, ErrorOrigin::upstream, 0, "endpoint answered early"};
    transport_.output_event().set();
  }
}

std::optional<Result<ResponseHead*>> H1ClientStream::try_head() {
  if (phase_ == Phase::failed) {
    return fail(error_);
  }
  if (phase_ != Phase::head) {
    return fail(ErrorCode::conflict, "the final head was delivered already");
  }
  if (interim_pending_) {
    interim_pending_ = false;
    parser_.begin(head_, method_);
  }
  while (true) {
    switch (input_.poll()) {
      case TransportInput::State::wait:
        return std::nullopt;
      case TransportInput::State::broken:
        return fail(fail_with(input_.error().code, input_.error().detail));
      case TransportInput::State::end:
        return parser_.idle() ? fail(fail_with(ErrorCode::closed, "closed before a response"))
                              : fail(fail_with(ErrorCode::closed, "closed in a response head"));
      case TransportInput::State::bytes:
        break;
    }
    const H1Step step = parser_.feed(input_.view());
    input_.use_up(step.consumed);
    if (step.event == H1Event::head) {
      return head_done();
    }
    if (step.event == H1Event::error) {
      return fail(fail_with(ErrorCode::malformed, parser_.error().reason));
    }
  }
}

std::optional<Result<ResponseHead*>> H1ClientStream::head_done() {
  if (head_.status == 101) {
    if (!websocket_ || !parser_.connection().websocket) {
      return fail(fail_with(ErrorCode::malformed, "an upgrade that nobody asked for"));
    }
    phase_ = Phase::tunnel;
    request_done_ = false;
    return &head_;
  }
  if (head_.informational()) {
    if (++interim_ > connection_.config_.interim_responses_max) {
      return fail(fail_with(ErrorCode::malformed, "too many interim responses"));
    }
    interim_pending_ = true;
    return &head_;
  }
  phase_ = Phase::body;
  if (parser_.at_end()) {
    static_cast<void>(parser_.feed({}));
    response_over();
  }
  return &head_;
}

bool H1ClientStream::has_response_body() const {
  return phase_ == Phase::tunnel || !parser_.framing().empty();
}

std::optional<Result<Slice>> H1ClientStream::read_body() {
  switch (phase_) {
    case Phase::tunnel:
      return read_tunnel();
    case Phase::complete:
      return Slice();
    case Phase::body:
      break;
    case Phase::failed:
      return fail(error_);
    case Phase::fresh:
    case Phase::head:
      return fail(ErrorCode::conflict, "the head comes first");
  }
  while (true) {
    switch (input_.poll()) {
      case TransportInput::State::wait:
        return std::nullopt;
      case TransportInput::State::broken:
        return fail(fail_with(input_.error().code, input_.error().detail));
      case TransportInput::State::end:
        if (parser_.finish().event == H1Event::end) {
          response_over();
          return Slice();
        }
        return fail(fail_with(ErrorCode::closed, parser_.error().reason));
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
        if (parser_.at_end()) {
          static_cast<void>(parser_.feed({}));
          response_over();
        }
        return bytes;
      case H1Event::end:
        response_over();
        return Slice();
      case H1Event::error:
        return fail(fail_with(ErrorCode::malformed, parser_.error().reason));
      case H1Event::need_more:
      case H1Event::head:
        break;
    }
  }
}

// HTTP/1.1 cannot say "no more": the connection is closed when the stream is released.
void H1ClientStream::stop_body() {
  if (phase_ == Phase::body || phase_ == Phase::tunnel) {
    fail_with(ErrorCode::cancelled, "response body was not wanted");
  }
}

std::optional<Result<Slice>> H1ClientStream::read_tunnel() {
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

}  // namespace sk
