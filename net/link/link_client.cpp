#include "net/link/link_client.h"

#include "net/http/framing.h"
#include "net/io/loop.h"

#include <optional>

namespace sk {
namespace {

// Informational heads that may wait unread; a worker that sends more is broken.
constexpr std::size_t kHeadsMax = 8;

std::unexpected<Error> malformed(const char* rule) {
  return fail(ErrorCode::malformed, rule, ErrorOrigin::upstream);
}

Error from_worker(ErrorCode code, const char* detail) {
  return Error{code, ErrorOrigin::upstream, 0, detail};
}

}  // namespace

// A stream's life: open() -> send() -> frames of the worker -> release(). It is over when it was
// released, our direction has ended (outbound_) and the worker's has (remote_ended_).
class LinkClient::Stream final : public UpstreamStream {
 public:
  Stream(LinkClient& client, std::uint16_t slot)
      : client_(client),
        id_{slot, 0},
        inbound_(client, client.loop()),
        outbound_(client, client.loop()),
        head_event_(client.loop()) {}

  void begin() {
    ++id_.generation;
    inbound_.begin(id_);
    outbound_.begin(id_, client_.limits().stream_window);
    heads_ = 0;
    heads_taken_ = 0;
    head_error_.reset();
    head_event_.clear();
    route_pattern_ = {};
    body_follows_ = false;
    body_left_.reset();
    tunnel_ = false;
    sent_ = false;
    refused_ = false;
    final_seen_ = false;
    remote_ended_ = false;
    released_ = false;
    active_ = true;
  }

  // --- UpstreamStream ---
  Result<void> send(const Exchange& exchange, bool body) override {
    SK_ASSERT(!sent_);
    RequestMeta meta;
    meta.id = exchange.id.view();
    meta.remote_address = exchange.remote.address;
    meta.remote_port = exchange.remote.port;
    meta.remote_tls = exchange.remote.tls;
    meta.traceparent = exchange.traceparent;
    meta.deadline_ns = to_monotonic_ns(exchange.deadline());
    meta.request_class = exchange.request_class;
    meta.received_ns = to_monotonic_ns(exchange.stages.at(Step::received));
    meta.time_stages = exchange.stages.clock.running();
    websocket_ = exchange.request.websocket;
    head_request_ = exchange.request.method == Method::head;
    const bool end = !body && !websocket_;
    client_.page_.publish(id_);
    if (client_.ended_ || !encode_request(client_.output(), id_, exchange.request, meta, end)) {
      return fail(from_worker(client_.ended_ ? ErrorCode::reset : ErrorCode::too_large,
                              "link: the request does not fit a frame"));
    }
    sent_ = true;
    if (end) {
      outbound_.ended_at_start();
    }
    client_.flush();
    return {};
  }
  BodyWriter& request_body() override { return outbound_; }
  std::optional<Result<ResponseHead*>> try_head() override {
    if (heads_taken_ < heads_) {
      return Result<ResponseHead*>(&head_at(heads_taken_++));
    }
    if (head_error_) {
      return Result<ResponseHead*>(fail(*head_error_));
    }
    return std::nullopt;
  }
  Event& head_event() override { return head_event_; }
  BodyReader& response_body() override { return inbound_; }
  bool has_response_body() const override { return body_follows_; }
  std::string_view route_pattern() const override { return route_pattern_; }

  std::optional<WorkerStages> worker_stages() const override {
    if (!sent_) {
      return std::nullopt;
    }
    std::optional<WorkerStages> noted = client_.page_.stages(id_);
    if (!noted) {
      noted.emplace().present = client_.page_.started(id_) ? Stage::handler : Stage::worker_wait;
    }
    return noted;
  }

  bool take_back() override {
    head_error_ = from_worker(ErrorCode::cancelled, "link: taken back");
    return !sent_ || refused_ || client_.page_.try_revoke(id_);
  }

  void release() override {
    SK_ASSERT(!released_);
    released_ = true;
    inbound_.abandon();
    if (!sent_) {  // the worker never heard of it
      outbound_.ended_at_start();
      remote_ended_ = true;
    } else if (!outbound_.ended()) {
      outbound_.reset(ErrorCode::cancelled);
    } else if (!remote_ended_) {
      // Our direction is over; this RESET asks the worker to end its own.
      encode_reset(client_.output(), id_, ErrorCode::cancelled);
      client_.flush();
    }
    client_.free_if_over(*this);
  }

  // --- frames of the worker ---
  Result<void> on_response(const FrameHeader& frame, std::string_view payload) {
    if (final_seen_) {
      return malformed("link: RESPONSE after the final one");
    }
    if (heads_ == heads_taken_) {
      heads_ = 0;
      heads_taken_ = 0;
    }
    if (heads_ == kHeadsMax) {
      return malformed("link: too many informational responses");
    }
    ResponseHead& head = head_at(heads_);
    head.reset();
    ResponseMeta meta;
    if (const Result<void> decoded = decode_response(payload, head, meta); !decoded) {
      return decoded;
    }
    const bool end = (frame.flags & kFlagEnd) != 0;
    const bool tunnel = head.status == 101;
    if (head.informational() && (end || (tunnel && !websocket_))) {
      return malformed("link: an impossible informational response");
    }
    if (meta.route_pattern != kNoPattern) {
      if (meta.route_pattern >= client_.route_patterns_.size()) {
        return malformed("link: RESPONSE names an unknown route pattern");
      }
      route_pattern_ = client_.route_patterns_[meta.route_pattern];
    }
    if (!head.informational() || tunnel) {
      final_seen_ = true;
      tunnel_ = tunnel;
      const bool bodyless = head_request_ || response_is_bodyless(head.status, Method::get);
      if (!end && bodyless && !tunnel) {
        return malformed("link: a response that can have no body announces one");
      }
      body_follows_ = !end;
      if (head.content_length && !bodyless && !tunnel) {
        if (end && *head.content_length != 0) {
          return malformed("link: no body where a length was declared");
        }
        body_left_ = *head.content_length;
      }
    }
    ++heads_;
    head_event_.set();
    if (end) {
      on_remote_end();
    }
    return {};
  }

  Result<void> on_body(Slice piece, bool last) {
    if (!final_seen_) {
      return malformed("link: BODY before a final RESPONSE");
    }
    if (body_left_) {
      if (piece.size() > *body_left_) {
        return malformed("link: more body than was declared");
      }
      *body_left_ -= piece.size();
    }
    if (const Result<void> arrived = inbound_.arrived(std::move(piece)); !arrived) {
      return arrived;
    }
    return last ? on_end({}) : Result<void>();
  }

  Result<void> on_end(std::string_view payload) {
    if (!final_seen_) {
      return malformed("link: END before a final RESPONSE");
    }
    if (body_left_ && *body_left_ != 0) {
      return malformed("link: less body than was declared");
    }
    if (const Result<void> decoded = decode_end(payload, inbound_.trailers_to_fill()); !decoded) {
      return decoded;
    }
    on_remote_end();
    return {};
  }

  void on_remote_end() {
    inbound_.ended();
    remote_ended_ = true;
    if (!outbound_.ended() && !tunnel_) {
      outbound_.stopped_by_peer();  // it has answered: nobody reads the rest
    }
    client_.free_if_over(*this);
  }

  // The worker gave the stream up, or the link has ended.
  void on_failure(const Error& error) {
    if (remote_ended_) {
      return;
    }
    if (!final_seen_) {
      head_error_ = error;
      head_event_.set();
    }
    inbound_.failed(error);
    remote_ended_ = true;
    client_.free_if_over(*this);
  }

  Result<void> on_refused(ErrorCode reason) {
    if (final_seen_ || heads_ > 0) {
      return malformed("link: REFUSED after a RESPONSE");
    }
    refused_ = true;
    static_cast<void>(reason);
    on_failure(from_worker(ErrorCode::refused, "link: the worker refused the request"));
    return {};
  }

  LinkInbound& inbound() { return inbound_; }
  LinkOutbound& outbound() { return outbound_; }
  [[nodiscard]] StreamId id() const { return id_; }
  [[nodiscard]] bool active() const { return active_; }
  [[nodiscard]] bool remote_ended() const { return remote_ended_; }
  [[nodiscard]] bool over() const { return released_ && remote_ended_ && outbound_.ended(); }
  void deactivate() {
    active_ = false;
    inbound_.finish();
  }

 private:
  // The first head has a place of its own: nearly every stream needs just that one.
  ResponseHead& head_at(std::size_t index) {
    if (index == 0) {
      return first_head_;
    }
    if (more_heads_.size() < index) {
      more_heads_.push_back(std::make_unique<ResponseHead>());
    }
    return *more_heads_[index - 1];
  }

  LinkClient& client_;
  StreamId id_;
  LinkInbound inbound_;
  LinkOutbound outbound_;
  Event head_event_;
  ResponseHead first_head_;
  std::vector<std::unique_ptr<ResponseHead>> more_heads_;
  std::size_t heads_ = 0;
  std::size_t heads_taken_ = 0;
  std::optional<Error> head_error_;
  std::string_view route_pattern_;
  std::optional<std::uint64_t> body_left_;
  bool body_follows_ = false;
  bool websocket_ = false;
  bool head_request_ = false;
  bool tunnel_ = false;
  bool sent_ = false;
  bool refused_ = false;
  bool final_seen_ = false;
  bool remote_ended_ = false;
  bool released_ = true;
  bool active_ = false;
};

LinkClient::LinkClient(Loop& loop, int fd, LinkPage page, const LinkLimits& limits,
                       std::uint64_t boot_id, std::atomic<std::uint32_t>& in_flight,
                       LinkObserver& observer)
    : LinkConnection(loop, fd, limits),
      page_(std::move(page)),
      boot_id_(boot_id),
      in_flight_(in_flight),
      observer_(observer),
      streams_(limits.slots),
      idle_(loop) {
  free_slots_.reserve(limits.slots);
  for (std::uint32_t slot = limits.slots; slot-- > 0;) {
    free_slots_.push_back(static_cast<std::uint16_t>(slot));
  }
}

LinkClient::~LinkClient() { SK_ASSERT(open_streams_ == 0); }

Task<Error> LinkClient::run(CancelScope& scope) {
  Hello hello;
  hello.boot_id = boot_id_;
  const Error why = co_await LinkConnection::run(scope, std::move(hello));
  ended_ = true;
  ready_ = false;
  fail_streams(from_worker(
      why.code == ErrorCode::malformed ? ErrorCode::malformed : ErrorCode::reset, why.detail));
  while (open_streams_ > 0) {
    const Result<void> ignored = co_await idle_.wait_uninterruptible();
    static_cast<void>(ignored);
  }
  co_return why;
}

UpstreamStreamPtr LinkClient::open() {
  if (!ready() || free_slots_.empty()) {
    return nullptr;
  }
  const std::uint16_t slot = free_slots_.back();
  free_slots_.pop_back();
  std::unique_ptr<Stream>& stream = streams_[slot];
  if (stream == nullptr) {
    stream = std::make_unique<Stream>(*this, slot);
  }
  stream->begin();
  ++open_streams_;
  in_flight_.fetch_add(1, std::memory_order_relaxed);
  return UpstreamStreamPtr(stream.get());
}

void LinkClient::free_if_over(Stream& stream) {
  if (!stream.active() || !stream.over()) {
    return;
  }
  stream.deactivate();
  free_slots_.push_back(stream.id().slot);
  --open_streams_;
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  if (ended_ && open_streams_ == 0) {
    idle_.set();
  }
}

void LinkClient::fail_streams(const Error& error) {
  for (const std::unique_ptr<Stream>& stream : streams_) {
    if (stream != nullptr && stream->active()) {
      stream->outbound().failed(error);
      stream->on_failure(error);
      free_if_over(*stream);
    }
  }
}

LinkClient::Stream* LinkClient::find(StreamId id) {
  if (id.slot >= streams_.size()) {
    return nullptr;
  }
  Stream* stream = streams_[id.slot].get();
  return stream != nullptr && stream->active() && stream->id() == id ? stream : nullptr;
}

Result<void> LinkClient::on_hello(const Hello& hello) {
  if (hello.limits.slots != limits().slots ||
      hello.limits.stream_window != limits().stream_window ||
      hello.limits.link_window() != limits().link_window()) {
    return malformed("link: HELLO with other limits than were agreed");
  }
  worker_boot_id_ = hello.boot_id;
  route_patterns_ = hello.route_patterns;
  ready_ = true;
  observer_.link_ready(*this);
  return {};
}

void LinkClient::on_drain() {
  if (!draining_) {
    draining_ = true;
    observer_.link_draining(*this);
  }
}

void LinkClient::direction_ended(StreamId id) {
  if (Stream* stream = find(id)) {
    free_if_over(*stream);
  }
}

Result<void> LinkClient::on_stream_body(StreamId id, Slice piece, bool last) {
  Stream* stream = find(id);
  if (stream == nullptr || stream->remote_ended()) {
    return malformed("link: BODY on a stream that is not open");
  }
  return stream->on_body(std::move(piece), last);
}

Result<void> LinkClient::on_stream_frame(const FrameHeader& frame, std::string_view payload) {
  Stream* stream = find(frame.stream);
  if (stream == nullptr || stream->remote_ended()) {
    return malformed("link: a frame on a stream that is not open");
  }
  switch (frame.type) {
    case FrameType::response:
      return stream->on_response(frame, payload);
    case FrameType::end:
      return stream->on_end(payload);
    case FrameType::reset: {
      const Result<ErrorCode> reason = decode_reason(payload);
      if (!reason) {
        return fail(reason.error());
      }
      stream->on_failure(from_worker(ErrorCode::reset, "link: the worker reset the stream"));
      return {};
    }
    case FrameType::refused: {
      const Result<ErrorCode> reason = decode_reason(payload);
      return reason ? stream->on_refused(*reason) : fail(reason.error());
    }
    case FrameType::stop:
      if (!payload.empty()) {
        return malformed("link: STOP with a payload");
      }
      stream->outbound().stopped_by_peer();
      return {};
    case FrameType::window: {
      const Result<std::uint32_t> bytes = decode_window(payload);
      return bytes ? stream->outbound().granted(*bytes) : fail(bytes.error());
    }
    default:
      return malformed("link: a frame that only the balancer sends");
  }
}

}  // namespace sk
