// LinkConnection: what both ends of a link share: the socket, the frame reader, flow control of the
// link as a whole, and the order in which bodies leave.
//
// Control frames and heads go into the output at once; bodies follow while less than
// kLinkBatchBytes wait for the kernel, streams taking turns frame by frame. The link is always
// read, whatever cannot be written: everything a peer may send is bounded by credit and slots.
//
// run() lives until the link ends. The first frame of each side is HELLO.
#pragma once

#include "net/io/socket_transport.h"
#include "net/io/task_group.h"
#include "net/link/frame_reader.h"
#include "net/link/link_body.h"

#include <memory>

namespace sk {

class LinkConnection : private FrameSink {
 public:
  LinkConnection(const LinkConnection&) = delete;
  LinkConnection& operator=(const LinkConnection&) = delete;

  [[nodiscard]] Loop& loop() const { return transport_.loop(); }
  [[nodiscard]] const LinkLimits& limits() const { return limits_; }

  // --- for the bodies ---
  [[nodiscard]] OutputQueue& output() { return transport_.output(); }
  void flush() { transport_.flush(); }
  [[nodiscard]] bool batch_full() const { return transport_.unsent() >= kLinkBatchBytes; }
  [[nodiscard]] std::uint32_t peer_credit() const { return peer_credit_; }
  void spend_credit(std::uint32_t bytes) { peer_credit_ -= bytes; }
  // The stream has something to send and waits for its turn.
  void schedule(LinkOutbound& body);
  // Bytes that arrived were read or dropped: the peer may send as many again.
  void bytes_released(std::uint32_t bytes);
  // Up to `wanted` bytes of window growth; 0 when the pool is used up.
  [[nodiscard]] std::uint32_t borrow_growth(std::uint32_t wanted);
  void return_growth(std::uint32_t bytes) { growth_left_ += bytes; }
  // A direction of a stream has just ended.
  virtual void direction_ended(StreamId stream) = 0;

 protected:
  // fd: connected stream socket, ours from now on.
  LinkConnection(Loop& loop, int fd, const LinkLimits& limits);
  ~LinkConnection() = default;

  // Sends HELLO, then reads until the link ends; returns why. Closes the socket.
  [[nodiscard]] Task<Error> run(CancelScope& scope, Hello hello);
  [[nodiscard]] std::size_t unsent() const { return transport_.unsent(); }
  // Ends run() with this error, soon.
  void break_link(const Error& error);

  [[nodiscard]] virtual Result<void> on_hello(const Hello& hello) = 0;
  // Every frame but HELLO, BODY, PING, LOAD and the link's WINDOW.
  [[nodiscard]] virtual Result<void> on_stream_frame(const FrameHeader& frame,
                                                     std::string_view payload) = 0;
  [[nodiscard]] virtual Result<void> on_stream_body(StreamId stream, Slice piece, bool last) = 0;
  // DRAIN of the peer.
  virtual void on_drain() = 0;

 private:
  [[nodiscard]] Result<void> on_frame(const FrameHeader& frame, std::string_view payload) final;
  [[nodiscard]] Result<void> on_body(StreamId stream, Slice piece, bool last) final;
  [[nodiscard]] Task<void> write_loop(CancelScope& scope);
  void send_bodies();

  LinkLimits limits_;
  SocketTransport transport_;
  FrameReader reader_;
  IntrusiveList<LinkOutbound, PendingTag> pending_;
  CancelScope* run_scope_ = nullptr;
  std::optional<Error> broken_;
  bool greeted_ = false;            // the peer's HELLO came
  std::uint32_t peer_credit_ = 0;   // body bytes we may send, over all streams
  std::uint32_t granted_left_ = 0;  // body bytes the peer may send
  std::uint32_t released_ = 0;      // read since the link's last WINDOW
  std::uint32_t growth_left_ = 0;
};

}  // namespace sk
