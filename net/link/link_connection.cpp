#include "net/link/link_connection.h"

#include "net/http/header_id.h"
#include "net/io/loop.h"

#include <algorithm>

namespace sk {
namespace {

// A worker or balancer that does not read its link for this long is as good as gone.
constexpr auto kLinkWriteStall = std::chrono::seconds(30);

}  // namespace

LinkConnection::LinkConnection(Loop& loop, int fd, const LinkLimits& limits)
    : limits_(limits), transport_(loop, fd, kLinkWriteStall) {}

void LinkConnection::schedule(LinkOutbound& body) {
  ListHook<PendingTag>& hook = body;
  if (!hook.linked()) {
    pending_.push_back(body);
    transport_.output_event().set();
  }
}

void LinkConnection::bytes_released(std::uint32_t bytes) {
  released_ += bytes;
  if (released_ >= limits_.link_window() / 4 && !broken_) {
    encode_window(output(), StreamId{}, released_);
    granted_left_ += std::exchange(released_, 0);
    flush();
  }
}

std::uint32_t LinkConnection::borrow_growth(std::uint32_t wanted) {
  const std::uint32_t lent = std::min(wanted, growth_left_);
  growth_left_ -= lent;
  return lent;
}

void LinkConnection::break_link(const Error& error) {
  if (!broken_) {
    broken_ = error;
    if (run_scope_ != nullptr) {
      run_scope_->cancel();
    }
  }
}

Task<Error> LinkConnection::run(CancelScope& scope, Hello hello) {
  granted_left_ = limits_.link_window();
  growth_left_ = limits_.growth_pool;
  hello.header_table_hash = header_table_hash();
  hello.limits = limits_;
  encode_hello(output(), hello);
  transport_.start();
  flush();

  CancelScope inner(scope);
  run_scope_ = &inner;
  TaskGroup writers(loop());
  writers.spawn(write_loop(inner));
  while (!broken_) {
    Result<Slice> bytes = co_await transport_.read(inner);
    if (!bytes) {
      break_link(bytes.error());
    } else if (bytes->empty()) {
      break_link(Error{ErrorCode::closed, ErrorOrigin::upstream, 0,
                       reader_.at_boundary() ? "link: closed" : "link: closed inside a frame"});
    } else if (const Result<void> fed = reader_.feed(std::move(*bytes), *this); !fed) {
      break_link(fed.error());
    }
  }
  inner.cancel();
  co_await writers.join();
  run_scope_ = nullptr;
  co_await transport_.close();
  co_return *broken_;
}

Task<void> LinkConnection::write_loop(CancelScope& scope) {
  while (true) {
    send_bodies();
    const Result<void> more = co_await transport_.output_event().wait(scope);
    if (!more) {
      co_return;
    }
    if (transport_.broken()) {
      break_link(*transport_.broken());
      co_return;
    }
  }
}

void LinkConnection::send_bodies() {
  bool sent = false;
  while (!pending_.empty() && peer_credit_ > 0 && !batch_full()) {
    LinkOutbound& body = pending_.pop_front();
    sent = body.send_some() || sent;
    if (body.can_send()) {
      pending_.push_back(body);
    }
  }
  if (sent) {
    flush();
  }
}

Result<void> LinkConnection::on_frame(const FrameHeader& frame, std::string_view payload) {
  if (!greeted_) {
    if (frame.type != FrameType::hello) {
      return fail(ErrorCode::malformed, "link: the first frame is not HELLO");
    }
    const Result<Hello> hello = decode_hello(payload);
    if (!hello) {
      return fail(hello.error());
    }
    if (hello->header_table_hash != header_table_hash()) {
      return fail(ErrorCode::malformed,
                  "link: header tables differ: balancer and worker are not one build");
    }
    greeted_ = true;
    peer_credit_ = hello->limits.link_window();
    return on_hello(*hello);
  }
  switch (frame.type) {
    case FrameType::hello:
      return fail(ErrorCode::malformed, "link: a second HELLO");
    case FrameType::ping: {
      const Result<std::uint64_t> value = decode_ping(payload);
      if (!value) {
        return fail(value.error());
      }
      if (frame.flags == 0) {
        encode_ping(output(), *value, true);
        flush();
      }
      return {};
    }
    case FrameType::load:
      return decode_load(payload);
    case FrameType::drain:
      if (!payload.empty()) {
        return fail(ErrorCode::malformed, "link: DRAIN with a payload");
      }
      on_drain();
      return {};
    case FrameType::window:
      if (frame.stream.slot == kNoSlot) {
        const Result<std::uint32_t> bytes = decode_window(payload);
        if (!bytes) {
          return fail(bytes.error());
        }
        if (*bytes > limits_.link_window() - std::min(peer_credit_, limits_.link_window())) {
          return fail(ErrorCode::malformed, "link: more credit than the link has");
        }
        peer_credit_ += *bytes;
        transport_.output_event().set();
        return {};
      }
      return on_stream_frame(frame, payload);
    default:
      return on_stream_frame(frame, payload);
  }
}

Result<void> LinkConnection::on_body(StreamId stream, Slice piece, bool last) {
  if (!greeted_) {
    return fail(ErrorCode::malformed, "link: the first frame is not HELLO");
  }
  if (piece.size() > granted_left_) {
    return fail(ErrorCode::malformed, "link: body beyond the link's credit");
  }
  granted_left_ -= static_cast<std::uint32_t>(piece.size());
  return on_stream_body(stream, std::move(piece), last);
}

}  // namespace sk
