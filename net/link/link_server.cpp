#include "net/link/link_server.h"

#include "net/http/framing.h"
#include "net/io/loop.h"

#include <algorithm>

namespace sk {
namespace {

std::unexpected<Error> malformed(const char* rule) { return fail(ErrorCode::malformed, rule); }

}  // namespace

// A slot's exchange is over when its handler has returned and both directions have ended.
class LinkServer::LinkExchange final : public Exchange, private StageObserver {
 public:
  LinkExchange(LinkServer& server, std::uint16_t slot)
      : Exchange(server.loop()),
        server_(server),
        inbound_(server, server.loop()),
        outbound_(server, server.loop()),
        stream_{slot, 0} {}

  // --- Exchange ---
  BodyReader& request_body() override { return inbound_; }
  BodyWriter& response_body() override { return outbound_; }
  void close_after() override {}  // the client's connection is the balancer's business

  void inform(const ResponseHead& head) override {
    if (responded() || outbound_.ended() || !head.informational() || head.status == 101 ||
        !valid_response_fields(head.fields)) {
      return;
    }
    if (encode_response(server_.output(), stream_, head, ResponseMeta{}, false)) {
      server_.flush();
    }
  }

  Result<void> respond(const ResponseHead& head, bool body) override {
    if (responded()) {
      return fail(ErrorCode::conflict, "a response was sent already");
    }
    if (head.informational()) {
      return fail(ErrorCode::malformed, "response: an informational status is not a final one");
    }
    const bool bodyless = response_is_bodyless(head.status, request.method);
    const bool end = bodyless || !body;
    if (Result<void> sent = send_head(head, end); !sent) {
      return sent;
    }
    if (end) {
      outbound_.ended_at_start();
      inbound_.mute();
    } else if (head.content_length) {
      outbound_.expect(*head.content_length);
    }
    return {};
  }

  Result<void> upgrade(const ResponseHead& head) override {
    if (responded()) {
      return fail(ErrorCode::conflict, "upgrade: a response was sent already");
    }
    if (!request.websocket) {
      return fail(ErrorCode::unsupported, "upgrade: the request did not ask for one");
    }
    ResponseHead switching;
    switching.status = 101;
    for (const HeaderField& field : head.fields) {
      const bool added = field.id() != HeaderId::unknown
                             ? switching.fields.add_view(field.id(), field.value())
                             : switching.fields.add_view(field.name(), field.value());
      if (!added) {
        return fail(ErrorCode::too_large, "upgrade: too many fields");
      }
    }
    return send_head(switching, false);
  }

  // --- for the server ---
  void begin_stream(StreamId stream) {
    stream_ = stream;
    active_ = true;
    handler_done_ = false;
    remote_ended_ = false;
    inbound_.begin(stream);
    outbound_.begin(stream, server_.limits().stream_window);
    Exchange::begin(*server_.scope_);
  }
  Result<void> take_request(std::string_view payload, bool end) {
    RequestMeta meta;
    request.reset();
    if (const Result<void> decoded = decode_request(payload, request, meta); !decoded) {
      return decoded;
    }
    if (end && request.websocket) {
      return malformed("link: a WebSocket request that has ended");
    }
    id = RequestId(meta.id);
    remote = Peer{meta.remote_address, meta.remote_port, meta.remote_tls};
    peer = Peer{"unix", 0, false};
    traceparent = meta.traceparent;
    request_class = meta.request_class;
    has_request_body_ = !end && !request.websocket;
    if (end) {
      inbound_.ended();
      remote_ended_ = true;
    }
    // The balancer's clock is ours; a time to come would be nonsense.
    stages.mark(Step::received, std::min(from_monotonic_ns(meta.received_ns), loop().now()));
    time_stages_ = meta.time_stages;
    if (const Instant deadline = from_monotonic_ns(meta.deadline_ns); deadline != kNever) {
      set_deadline(deadline);
    }
    return {};
  }
  Result<void> on_end(std::string_view payload) {
    if (const Result<void> decoded = decode_end(payload, inbound_.trailers_to_fill()); !decoded) {
      return decoded;
    }
    end_remote();
    return {};
  }
  void end_remote() {
    inbound_.ended();
    remote_ended_ = true;
    server_.free_if_over(*this);
  }
  void on_reset(const Error& error) {
    inbound_.failed(error);
    remote_ended_ = true;
    scope().cancel(ErrorCode::reset);
    if (handler_done_) {
      outbound_.reset(ErrorCode::cancelled);
    }
    server_.free_if_over(*this);
  }
  // The link is gone: nothing can be sent or will come.
  void on_link_end(const Error& error) {
    inbound_.failed(error);
    outbound_.failed(error);
    remote_ended_ = true;
    scope().cancel(ErrorCode::reset);
  }
  // The handler is about to be entered. Exactly when, because what kept this turn of the loop busy
  // until now was waiting for the worker.
  void enter_handler() {
    if (time_stages_) {
      time_stages(Stage::handler, loop().read_clock(), this);
    }
  }
  // The handler has returned: closes what it left open.
  void finish_handler() {
    if (!responded() && !outbound_.ended()) {
      if (scope().cancelled()) {
        outbound_.reset(ErrorCode::cancelled);
      } else {
        ResponseHead head;
        head.status = 500;
        const Result<void> answered = respond(head, false);
        SK_ASSERT(answered.has_value());
      }
    } else if (!outbound_.ended() && !outbound_.finishing()) {
      outbound_.reset(ErrorCode::internal);
    }
    response_bytes_ = outbound_.accepted();
    stages.mark(Step::finished, loop().read_clock());
    stages.clock.stop(stages.at(Step::finished));
  }
  void end_handler() {
    handler_done_ = true;
    inbound_.stop();
  }
  [[nodiscard]] bool over() const { return handler_done_ && remote_ended_ && outbound_.ended(); }
  void deactivate() {
    active_ = false;
    inbound_.finish();
    Exchange::end();
  }

  LinkInbound& inbound() { return inbound_; }
  LinkOutbound& outbound() { return outbound_; }
  [[nodiscard]] StreamId stream() const { return stream_; }
  [[nodiscard]] bool active() const { return active_; }
  [[nodiscard]] bool remote_ended() const { return remote_ended_; }

 private:
  void stage_changed(const StageClock& clock) override {
    server_.page_.note_stages(stream_, clock);
  }

  Result<void> send_head(const ResponseHead& head, bool end) {
    if (!valid_response_fields(head.fields)) {
      return fail(ErrorCode::malformed, "response: a field name or value is not allowed");
    }
    ResponseMeta meta;
    meta.route_pattern =
        route_index < server_.config_.route_patterns.size() ? route_index : kNoPattern;
    status_ = head.status;
    stages.mark(Step::response_head, loop().now());
    if (stages.clock.running()) {
      // Before the head leaves: the balancer reads the note when it has it.
      stages.clock.advance(loop().read_clock());
      stage_changed(stages.clock);
    }
    if (outbound_.ended()) {
      return {};  // nobody listens any more
    }
    if (!encode_response(server_.output(), stream_, head, meta, end)) {
      status_ = 0;
      return fail(ErrorCode::too_large, "response: the head does not fit a frame");
    }
    server_.flush();
    return {};
  }

  LinkServer& server_;
  LinkInbound inbound_;
  LinkOutbound outbound_;
  StreamId stream_;
  bool active_ = false;
  bool handler_done_ = false;
  bool remote_ended_ = false;
  bool time_stages_ = false;
};

LinkServer::LinkServer(Loop& loop, int fd, LinkPage page, const LinkLimits& limits,
                       LinkServerConfig config, ExchangeHandler& handler)
    : LinkConnection(loop, fd, limits),
      page_(std::move(page)),
      config_(std::move(config)),
      handler_(handler),
      exchanges_(limits.slots),
      handlers_(loop) {}

LinkServer::~LinkServer() { SK_ASSERT(open_ == 0); }

Task<Error> LinkServer::run(CancelScope& scope) {
  scope_ = std::make_unique<CancelScope>(scope);
  Hello hello;
  hello.boot_id = config_.boot_id;
  hello.route_patterns = config_.route_patterns;
  const Error why = co_await LinkConnection::run(scope, std::move(hello));
  for (const std::unique_ptr<LinkExchange>& exchange : exchanges_) {
    if (exchange != nullptr && exchange->active()) {
      exchange->on_link_end(Error{ErrorCode::reset, ErrorOrigin::downstream, 0, why.detail});
      free_if_over(*exchange);
    }
  }
  co_await handlers_.join();
  co_return why;
}

void LinkServer::drain() {
  encode_empty(output(), FrameType::drain, StreamId{});
  flush();
}

bool LinkServer::flushed() const { return unsent() == 0; }

Result<void> LinkServer::on_hello(const Hello& hello) {
  static_cast<void>(hello);  // the balancer's limits came with the link itself (control.h)
  return {};
}

Result<void> LinkServer::on_request(const FrameHeader& frame, std::string_view payload) {
  if (frame.stream.slot >= exchanges_.size()) {
    return malformed("link: REQUEST on a slot that does not exist");
  }
  std::unique_ptr<LinkExchange>& place = exchanges_[frame.stream.slot];
  if (place == nullptr) {
    place = std::make_unique<LinkExchange>(*this, frame.stream.slot);
  }
  LinkExchange& exchange = *place;
  if (exchange.active() || exchange.stream().generation == frame.stream.generation) {
    return malformed("link: REQUEST on a stream that is open or over");
  }
  exchange.begin_stream(frame.stream);
  ++open_;
  const Result<void> taken = exchange.take_request(payload, (frame.flags & kFlagEnd) != 0);
  if (!taken) {
    exchange.on_link_end(taken.error());
    exchange.end_handler();
    free_if_over(exchange);
    return taken;
  }
  if (!page_.try_start(frame.stream)) {
    encode_refused(output(), frame.stream, ErrorCode::cancelled);
    flush();
    exchange.outbound().ended_at_start();
    exchange.inbound().abandon();
    exchange.end_handler();
    free_if_over(exchange);
    return {};
  }
  handlers_.spawn(serve(exchange));
  return {};
}

Task<void> LinkServer::serve(LinkExchange& exchange) {
  exchange.enter_handler();
  try {
    co_await handler_.handle(exchange);
  } catch (...) {
    // The handler's own runtime reports what its users throw; here only the stream is saved.
    exchange.scope().cancel(ErrorCode::internal);
    if (!exchange.responded()) {
      ResponseHead head;
      head.status = 500;
      const Result<void> answered = exchange.respond(head, false);
      static_cast<void>(answered);
    }
  }
  exchange.finish_handler();
  handler_.completed(exchange);
  exchange.end_handler();
  free_if_over(exchange);
}

void LinkServer::free_if_over(LinkExchange& exchange) {
  if (exchange.active() && exchange.over()) {
    exchange.deactivate();
    --open_;
  }
}

Result<LinkServer::LinkExchange*> LinkServer::find(StreamId stream) {
  LinkExchange* exchange =
      stream.slot < exchanges_.size() ? exchanges_[stream.slot].get() : nullptr;
  if (exchange == nullptr || exchange->stream() != stream) {
    return malformed("link: a frame on a stream that never was");
  }
  if (!exchange->active() || exchange->remote_ended()) {
    return nullptr;
  }
  return exchange;
}

void LinkServer::direction_ended(StreamId stream) {
  if (LinkExchange* exchange = exchanges_[stream.slot].get();
      exchange != nullptr && exchange->stream() == stream) {
    exchange->inbound().mute();
    free_if_over(*exchange);
  }
}

Result<void> LinkServer::on_stream_body(StreamId stream, Slice piece, bool last) {
  const Result<LinkExchange*> exchange = find(stream);
  if (!exchange) {
    return fail(exchange.error());
  }
  if (*exchange == nullptr) {
    bytes_released(static_cast<std::uint32_t>(piece.size()));
    return {};
  }
  if (const Result<void> arrived = (*exchange)->inbound().arrived(std::move(piece)); !arrived) {
    return arrived;
  }
  return last ? (*exchange)->on_end({}) : Result<void>();
}

Result<void> LinkServer::on_answer_frame(const FrameHeader& frame, std::string_view payload) {
  LinkExchange* exchange =
      frame.stream.slot < exchanges_.size() ? exchanges_[frame.stream.slot].get() : nullptr;
  if (exchange == nullptr || exchange->stream() != frame.stream) {
    return malformed("link: a frame on a stream that never was");
  }
  switch (frame.type) {
    case FrameType::window: {
      const Result<std::uint32_t> bytes = decode_window(payload);
      if (!bytes) {
        return fail(bytes.error());
      }
      return exchange->active() ? exchange->outbound().granted(*bytes) : Result<void>();
    }
    case FrameType::stop:
      if (!payload.empty()) {
        return malformed("link: STOP with a payload");
      }
      if (exchange->active()) {
        exchange->outbound().stopped_by_peer();
      }
      return {};
    default: {
      const Result<ErrorCode> reason = decode_reason(payload);
      if (!reason) {
        return fail(reason.error());
      }
      if (exchange->active()) {
        exchange->on_reset(Error{ErrorCode::reset, ErrorOrigin::downstream, 0,
                                 "link: the balancer reset the stream"});
      }
      return {};
    }
  }
}

Result<void> LinkServer::on_stream_frame(const FrameHeader& frame, std::string_view payload) {
  if (frame.type == FrameType::request) {
    return on_request(frame, payload);
  }
  // Credit, STOP and RESET concern our direction too, which may outlive the balancer's.
  if (frame.type == FrameType::window || frame.type == FrameType::stop ||
      frame.type == FrameType::reset) {
    return on_answer_frame(frame, payload);
  }
  const Result<LinkExchange*> exchange = find(frame.stream);
  if (!exchange) {
    return fail(exchange.error());
  }
  switch (frame.type) {
    case FrameType::end:
      return *exchange == nullptr ? Result<void>() : (*exchange)->on_end(payload);
    default:
      return malformed("link: a frame that only a worker sends");
  }
}

}  // namespace sk
