// bench-relay-link: raw bytes between many clients and one multiplexed link.
//
//   bench-relay-link PORT LINK-SOCKET
//
// The floor of our design: whatever a client sends becomes one frame on the link, whatever a frame
// brings goes to its client; all frames of a turn leave in one send. No HTTP, no routing, no clock.
// Bounds: 1024 clients, 256 KiB per batch on the link, 8 KiB of unsent answers per client (then it
// is closed).

#include "bench/floor/link_frame.h"
#include "bench/floor/ring.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace {

using sk::bench::kFrameMax;
using sk::bench::kLinkBatchMax;
using sk::bench::LinkFrame;
using sk::bench::Ring;

enum Operation : std::uint64_t { kAccept, kClientReceive, kClientSend, kLinkReceive, kLinkSend };

constexpr std::size_t kClientsMax = 1024;
constexpr std::size_t kAnswersMax = 8 * 1024;

// Bytes are gathered in one half while the other is in flight.
template <std::size_t kSize>
struct DoubleBuffer {
  std::array<char, kSize> half[2];
  std::size_t filled = 0;  // of half[filling]
  unsigned filling = 0;
  bool in_flight = false;

  bool fits(std::size_t bytes) const { return bytes <= kSize - filled; }
  void append(const void* bytes, std::size_t count) {
    std::memcpy(half[filling].data() + filled, bytes, count);
    filled += count;
  }
};

struct Client {
  int fd = -1;
  std::uint32_t generation = 0;
  unsigned operations = 0;  // in flight
  bool closing = false;
  bool dirty = false;  // has answers to send at the end of this turn
  int held = -1;       // a received buffer that did not fit into the link's batch
  unsigned held_bytes = 0;
  DoubleBuffer<kAnswersMax> answers;
};

std::uint64_t tag(Operation operation, std::size_t slot = 0) { return (slot << 3U) | operation; }

class RelayLink {
 public:
  RelayLink(const char* port, const char* path) : link_(sk::bench::connect_to(path)) {
    if (link_ < 0) {
      std::fprintf(stderr, "bench-relay-link: nobody listens on %s\n", path);
      std::exit(1);
    }
    listener_ = sk::bench::listen_on(port);
    clients_.resize(kClientsMax);
    dirty_.reserve(kClientsMax);
    parked_.reserve(kClientsMax);
  }

  [[noreturn]] void run() {
    accept();
    link_receive();
    for (;;) {
      ring_.turn([this](std::uint64_t user_data, int result, std::uint32_t flags) {
        const std::size_t slot = user_data >> 3U;
        switch (user_data & 7U) {
          case kAccept:
            accepted(result, flags);
            break;
          case kClientReceive:
            client_received(slot, result, flags);
            break;
          case kClientSend:
            client_sent(slot, result);
            break;
          case kLinkReceive:
            link_received(result);
            break;
          case kLinkSend:
            link_sent(result);
            break;
          default:
            break;
        }
      });
      flush();
    }
  }

 private:
  void accept() {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    sqe->user_data = tag(kAccept);
  }

  void accepted(int fd, std::uint32_t flags) {
    if ((flags & IORING_CQE_F_MORE) == 0) {
      accept();
    }
    if (fd < 0) {
      return;
    }
    for (std::size_t slot = 0; slot < kClientsMax; ++slot) {
      if (clients_[slot] == nullptr) {
        clients_[slot] = std::make_unique<Client>();
        clients_[slot]->fd = fd;
        clients_[slot]->generation = ++generations_ & 0xffffU;
        client_receive(slot);
        return;
      }
    }
    close(fd);
  }

  // --- client to link ---

  void client_receive(std::size_t slot) {
    ring_.receive_provided(clients_[slot]->fd, tag(kClientReceive, slot));
    clients_[slot]->operations += 1;
  }

  void client_received(std::size_t slot, int bytes, std::uint32_t flags) {
    Client& client = *clients_[slot];
    client.operations -= 1;
    if (bytes == -ENOBUFS &&
        !client.closing) {  // every client that waits holds none, so some come back
      client_receive(slot);
      return;
    }
    const unsigned buffer = Ring::buffer_id(flags);
    if (bytes <= 0 || client.closing) {
      if ((flags & IORING_CQE_F_BUFFER) != 0) {
        ring_.give_back(buffer);
      }
      finish(slot);
      return;
    }
    client.held = static_cast<int>(buffer);
    client.held_bytes = static_cast<unsigned>(bytes);
    if (!frame_held(slot)) {
      parked_.push_back(slot);  // no further receive until the link has taken its batch
    }
  }

  // Moves the client's received bytes into the link's batch and listens again; false: no room.
  bool frame_held(std::size_t slot) {
    Client& client = *clients_[slot];
    if (!batch_->fits(sizeof(LinkFrame) + client.held_bytes)) {
      return false;
    }
    const LinkFrame frame{.stream = static_cast<std::uint32_t>(slot) | client.generation << 16U,
                          .bytes = client.held_bytes};
    batch_->append(&frame, sizeof frame);
    batch_->append(ring_.buffer(static_cast<unsigned>(client.held)).data(), client.held_bytes);
    ring_.give_back(static_cast<unsigned>(client.held));
    client.held = -1;
    client_receive(slot);
    return true;
  }

  void link_sent(int result) {
    if (result <= 0) {
      lost_link(result);
    }
    batch_->in_flight = false;
    std::erase_if(parked_, [this](std::size_t slot) {
      return clients_[slot] == nullptr || clients_[slot]->held < 0 || frame_held(slot);
    });
  }

  // --- link to client ---

  void link_receive() {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_recv(sqe, link_, incoming_->data() + incoming_bytes_,
                       incoming_->size() - incoming_bytes_, 0);
    sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
    sqe->user_data = tag(kLinkReceive);
  }

  void link_received(int result) {
    if (result <= 0) {
      lost_link(result);
    }
    incoming_bytes_ += static_cast<std::size_t>(result);
    std::size_t at = 0;
    LinkFrame frame;
    while (incoming_bytes_ - at >= sizeof frame) {
      std::memcpy(&frame, incoming_->data() + at, sizeof frame);
      if (frame.bytes == 0 || frame.bytes > kFrameMax) {
        lost_link(-EBADMSG);
      }
      if (incoming_bytes_ - at < sizeof frame + frame.bytes) {
        break;
      }
      deliver(frame, incoming_->data() + at + sizeof frame);
      at += sizeof frame + frame.bytes;
    }
    incoming_bytes_ -= at;
    std::memmove(incoming_->data(), incoming_->data() + at, incoming_bytes_);
    link_receive();
  }

  void deliver(const LinkFrame& frame, const char* bytes) {
    const std::size_t slot = frame.stream & 0xffffU;
    if (slot >= kClientsMax || clients_[slot] == nullptr || clients_[slot]->closing ||
        clients_[slot]->generation != frame.stream >> 16U) {
      return;  // its client has left meanwhile
    }
    Client& client = *clients_[slot];
    if (!client.answers.fits(frame.bytes)) {
      finish(slot);
      return;
    }
    client.answers.append(bytes, frame.bytes);
    if (!client.dirty) {
      client.dirty = true;
      dirty_.push_back(slot);
    }
  }

  void client_sent(std::size_t slot, int result) {
    Client& client = *clients_[slot];
    client.operations -= 1;
    client.answers.in_flight = false;
    if (result < 0 || client.closing) {
      finish(slot);
    } else if (client.answers.filled > 0 && !client.dirty) {
      client.dirty = true;
      dirty_.push_back(slot);
    }
  }

  // --- the end of a turn: one send per client with answers, one for the link ---

  void flush() {
    for (const std::size_t slot : dirty_) {
      Client* client = clients_[slot].get();
      if (client != nullptr) {
        client->dirty = false;
        if (!client->closing && send(client->fd, client->answers, tag(kClientSend, slot))) {
          client->operations += 1;
        }
      }
    }
    dirty_.clear();
    send(link_, *batch_, tag(kLinkSend));
  }

  template <std::size_t kSize>
  bool send(int fd, DoubleBuffer<kSize>& bytes, std::uint64_t user_data) {
    if (bytes.in_flight || bytes.filled == 0) {
      return false;
    }
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_send(sqe, fd, bytes.half[bytes.filling].data(), bytes.filled,
                       MSG_WAITALL | MSG_NOSIGNAL);
    sqe->user_data = user_data;
    bytes.in_flight = true;
    bytes.filling ^= 1U;
    bytes.filled = 0;
    return true;
  }

  // --- ends ---

  void finish(std::size_t slot) {
    Client& client = *clients_[slot];
    if (!client.closing) {
      client.closing = true;
      shutdown(client.fd,
               SHUT_RDWR);  // wakes the receive; the slot is freed when nothing is in flight
      if (client.held >= 0) {
        ring_.give_back(static_cast<unsigned>(client.held));
        client.held = -1;
      }
    }
    if (client.operations == 0) {
      close(client.fd);
      clients_[slot].reset();
    }
  }

  [[noreturn]] void lost_link(int result) {
    std::fprintf(stderr, "bench-relay-link: the link ended: %s\n",
                 result == 0 ? "EOF" : std::strerror(-result));
    std::exit(1);
  }

  Ring ring_;
  int listener_ = -1;
  int link_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::size_t> dirty_;
  std::vector<std::size_t> parked_;
  std::uint32_t generations_ = 0;
  std::unique_ptr<DoubleBuffer<kLinkBatchMax>> batch_ =
      std::make_unique<DoubleBuffer<kLinkBatchMax>>();
  std::unique_ptr<std::array<char, kLinkBatchMax>> incoming_ =
      std::make_unique<std::array<char, kLinkBatchMax>>();
  std::size_t incoming_bytes_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench-relay-link PORT LINK-SOCKET\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  RelayLink(argv[1], argv[2]).run();
}
