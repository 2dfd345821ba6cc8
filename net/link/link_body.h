// The two directions of a stream's body on the link, the same at both ends.
//
// LinkInbound holds what arrived and was not read yet, at most the credit it has granted; reading
// grants more. The window starts at LinkLimits::stream_window and doubles, up to stream_window_max
// and as long as the link's growth pool lasts, when a window was used up quickly.
// LinkOutbound holds what credit or the batch bound does not let go yet.
// Both belong to their stream's object and are reused with its slot.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/http/body.h"
#include "net/link/frame_codec.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace sk {

class LinkConnection;

class LinkInbound final : public BodyReader {
 public:
  LinkInbound(LinkConnection& link, Loop& loop) : link_(link), readable_(loop) {}

  // --- BodyReader ---
  [[nodiscard]] std::optional<Result<Slice>> try_read() override;
  [[nodiscard]] Event& readable() override { return readable_; }
  [[nodiscard]] const Fields& trailers() const override { return trailers_; }
  void stop() override;

  // --- for the link's end ---
  void begin(StreamId stream);
  // The peer's bytes; malformed when they exceed the credit or come after the end.
  [[nodiscard]] Result<void> arrived(Slice bytes);
  [[nodiscard]] Fields& trailers_to_fill() { return trailers_; }
  void ended();
  void failed(const Error& error);
  // The consumer is gone: drops what is held and what still comes.
  void abandon();
  [[nodiscard]] bool open() const { return !ended_ && !error_; }
  [[nodiscard]] bool stopped() const { return stopped_; }
  // From now on no frame is sent about this direction: a worker says nothing on a stream after its
  // own terminal frame. The balancer, which has its answer, ends its direction by itself.
  void mute() { muted_ = true; }
  // Gives the borrowed growth back; the stream is over.
  void finish();

 private:
  void consumed(std::size_t bytes);

  LinkConnection& link_;
  Event readable_;
  StreamId stream_;
  std::vector<Slice> queue_;  // queue_[first_..] not read yet
  std::size_t first_ = 0;
  Fields trailers_;
  std::optional<Error> error_;
  bool ended_ = false;
  bool stopped_ = false;
  bool muted_ = false;
  std::uint32_t window_ = 0;       // credit of a full window
  std::uint32_t borrowed_ = 0;     // part of window_ that came from the growth pool
  std::uint32_t credit_left_ = 0;  // what the peer may still send
  std::uint32_t ungranted_ = 0;    // read since the last WINDOW
  Instant granted_at_;
};

struct PendingTag {};

class LinkOutbound final : public BodyWriter, public ListHook<PendingTag> {
 public:
  LinkOutbound(LinkConnection& link, Loop& loop) : link_(link), writable_(loop) {}

  // --- BodyWriter ---
  void write(Slice bytes) override;
  [[nodiscard]] bool writable() const override;
  [[nodiscard]] Event& writable_event() override { return writable_; }
  [[nodiscard]] const std::optional<Error>& broken() const override { return broken_; }
  void finish(const Fields& trailers) override;
  void reset(ErrorCode reason) override;
  using BodyWriter::finish;

  // --- for the link's end ---
  void begin(StreamId stream, std::uint32_t credit);
  // Exactly this many bytes will be written; anything else ends the direction by a reset.
  void expect(std::uint64_t bytes) { expected_ = bytes; }
  // The direction ended with the frame that opened it (kFlagEnd).
  void ended_at_start() { ended_ = true; }
  [[nodiscard]] Result<void> granted(std::uint32_t bytes);
  // The peer wants no more: what is pending is dropped.
  void stopped_by_peer();
  void failed(const Error& error);
  // finish() was called; the terminal frame may still wait behind pending bytes.
  [[nodiscard]] bool finishing() const { return finishing_; }
  // Terminal frame sent (or the link is gone).
  [[nodiscard]] bool ended() const { return ended_; }
  // Sends at most one frame of what is pending; false if nothing can go now.
  bool send_some();
  [[nodiscard]] bool can_send() const;
  // Bytes accepted since begin().
  [[nodiscard]] std::uint64_t accepted() const { return accepted_; }

 private:
  void drop_pending();
  void send_end();

  LinkConnection& link_;
  Event writable_;
  StreamId stream_;
  std::vector<Slice> pending_;
  std::size_t first_ = 0;
  std::size_t pending_bytes_ = 0;
  Fields trailers_;
  bool finishing_ = false;  // an END follows what is pending
  bool ended_ = false;
  std::uint32_t credit_ = 0;
  std::uint64_t accepted_ = 0;
  std::optional<std::uint64_t> expected_;
  std::optional<Error> broken_;
};

}  // namespace sk
