// SocketTransport: a plain TCP or Unix stream socket as a Transport.
//
// Owns the descriptor. One receive is in flight while nothing is read ahead, one send while there
// is something to send; a send may be short and goes on from there, so that progress is visible to
// the write-stall timer on both backends.
#pragma once

#include "net/io/operation.h"
#include "net/io/transport.h"

#include <array>
#include <optional>

namespace sk {

class SocketTransport final : public Transport {
 public:
  // fd: connected, non-blocking, ours from now on.
  SocketTransport(Loop& loop, int fd, Duration write_stall_timeout);
  ~SocketTransport() override;

  void start() override;
  void flush() override;
  // flush() for a transport above that itself runs at the end of the turn: sends at once.
  void send_now() {
    flush_.unlink();
    transmit();
  }
  [[nodiscard]] std::size_t unsent() const override { return output_.size(); }
  void shutdown_write() override;
  void reset_on_close() override;
  [[nodiscard]] Task<void> close() override;

  [[nodiscard]] int fd() const { return fd_; }

 private:
  class Receive final : public Operation {
   public:
    Receive(SocketTransport& owner, int fd);
    Slice take_buffer() { return std::move(buffer_); }

   private:
    static void completed(ReadyNode& node);
    SocketTransport& owner_;
  };

  // Sends the front of the queue: one piece by send, several by sendmsg.
  class Transmit final : public Operation {
   public:
    Transmit(SocketTransport& owner, int fd, OperationKind kind);
    void point_at(std::string_view bytes);
    void point_at(msghdr& message) { message_ = &message; }

   private:
    static void completed(ReadyNode& node);
    SocketTransport& owner_;
  };

  struct Flush final : ReadyNode {
    explicit Flush(SocketTransport& transport)
        : ReadyNode([](ReadyNode& node) { static_cast<Flush&>(node).owner.transmit(); }),
          owner(transport) {}
    SocketTransport& owner;
  };

  void input_taken() override;
  void received(Receive& op);
  void transmit();
  void transmitted(Transmit& op);
  [[nodiscard]] bool peer_takes_bytes();
  [[nodiscard]] bool sending() const { return send_.in_flight() || sendmsg_.in_flight(); }
  // A send has completed, but what it took still stands in the queue: its completion has yet to run
  // and goes on from there. Sending now would repeat those bytes.
  [[nodiscard]] bool sent_unseen() const {
    const ListHook<ReadyTag>& one_piece = send_;
    const ListHook<ReadyTag>& several = sendmsg_;
    return one_piece.linked() || several.linked();
  }

  static constexpr std::size_t kPiecesPerSend = 16;

  int fd_;
  Duration write_stall_timeout_;
  bool started_ = false;
  std::optional<int> unacknowledged_;  // bytes in the kernel when a send last timed out
  bool shutdown_wanted_ = false;
  bool shutdown_done_ = false;
  bool closing_ = false;
  Receive receive_;
  Transmit send_;
  Transmit sendmsg_;
  Flush flush_;
  msghdr message_{};
  std::array<iovec, kPiecesPerSend> pieces_;
  Event idle_;  // close() waits here for the last completion
};

}  // namespace sk
