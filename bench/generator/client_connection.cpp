#include "bench/generator/client_connection.h"

#include "net/io/loop.h"

#include <algorithm>

namespace sk::bench {
namespace {

constexpr std::uint32_t kInterimMax = 16;  // 1xx answers before the final one

Error broken_answer(const char* detail) {
  return Error{ErrorCode::malformed, ErrorOrigin::upstream, 0, detail};
}

}  // namespace

ClientConnection::ClientConnection(std::unique_ptr<Transport> transport, const H1Limits& limits,
                                   Owner& owner)
    : TimerNode(timed_out), transport_(std::move(transport)), owner_(owner), parser_(limits) {}

void ClientConnection::start() {
  transport_->on_activity(activity, this);
  transport_->start();
  read();
}

void ClientConnection::send(std::string_view request, Method method, std::size_t keep_body_bytes,
                            Duration timeout) {
  SK_ASSERT(reusable());
  busy_ = true;
  ++requests_;
  method_ = method;
  keep_body_bytes_ = keep_body_bytes;
  body_.clear();
  body_bytes_ = 0;
  interim_ = 0;
  parser_.begin(head_, method);
  transport_->output().append_copy(request);
  transport_->flush();
  transport_->loop().timers().arm(*this, after(transport_->loop().now(), timeout));
}

void ClientConnection::activity(void* self, Transport::Activity what) {
  auto& connection = *static_cast<ClientConnection*>(self);
  if (what != Transport::Activity::output && !connection.closing_) {
    connection.read();
  }
}

void ClientConnection::read() {
  while (!over_ && transport_->readable()) {
    const Result<Slice> bytes = transport_->take();
    if (!bytes) {
      end_with(bytes.error());
      return;
    }
    if (bytes->empty()) {
      ended();
      return;
    }
    if (!busy_) {
      end_with(broken_answer("bytes that nobody asked for"));
      return;
    }
    parse(bytes->view());
  }
}

void ClientConnection::parse(std::string_view bytes) {
  while (true) {
    const H1Step step = parser_.feed(bytes);
    bytes.remove_prefix(step.consumed);
    switch (step.event) {
      case H1Event::need_more:
        return;
      case H1Event::error:
        end_with(broken_answer(parser_.error().reason));
        return;
      case H1Event::head:
        if (head_.status == 101) {
          end_with(broken_answer("an upgrade that nobody asked for"));
          return;
        }
        break;
      case H1Event::body:
        body_bytes_ += step.body.size();
        if (body_.size() < keep_body_bytes_) {
          body_.append(step.body.substr(0, keep_body_bytes_ - body_.size()));
        }
        break;
      case H1Event::end:
        if (head_.informational()) {
          if (++interim_ > kInterimMax) {
            end_with(broken_answer("too many interim responses"));
            return;
          }
          parser_.begin(head_, method_);
          break;
        }
        answer_complete(!bytes.empty());
        return;
    }
  }
}

void ClientConnection::ended() {
  if (busy_ && !parser_.idle()) {
    const H1Step step = parser_.finish();
    if (step.event == H1Event::end && !head_.informational()) {
      over_ = true;  // the body ran until the end of the connection
      answer_complete(false);
      return;
    }
    if (step.event == H1Event::error) {
      end_with(Error{ErrorCode::closed, ErrorOrigin::upstream, 0, parser_.error().reason});
      return;
    }
  }
  end_with(Error{ErrorCode::closed, ErrorOrigin::upstream, 0, "closed without an answer"});
}

void ClientConnection::answer_complete(bool surplus) {
  transport_->loop().timers().disarm(*this);
  busy_ = false;
  // Surplus bytes would be taken for the next request's answer.
  over_ = over_ || surplus || !parser_.connection().keep_alive ||
          parser_.framing().kind == BodyKind::until_close;
  owner_.answered(*this, Answer{head_, body_, body_bytes_});
}

void ClientConnection::end_with(const Error& error) {
  if (over_) {
    return;
  }
  over_ = true;
  transport_->loop().timers().disarm(*this);
  owner_.broken(*this, error);
}

void ClientConnection::timed_out(TimerNode& timer) {
  auto& connection = static_cast<ClientConnection&>(timer);
  connection.end_with(Error{ErrorCode::timeout, ErrorOrigin::upstream, 0, "no answer in time"});
}

Task<void> ClientConnection::close() {
  closing_ = true;
  over_ = true;
  transport_->loop().timers().disarm(*this);
  co_await transport_->close();
}

}  // namespace sk::bench
