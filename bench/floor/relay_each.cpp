// bench-relay-each: raw bytes between each client and an upstream connection of its own.
//
//   bench-relay-each PORT UPSTREAM-SOCKET
//
// What a proxy with one upstream connection per client costs when HTTP costs nothing: it parses,
// routes and counts nothing. Both directions of a pair work alike: a receive is armed; its buffer
// is sent on as it is, and the next receive is armed together with that send. Bytes that arrive
// while a send is still in flight are held, and no further receive is armed until it ends: two
// buffers per direction at most.

#include "bench/floor/ring.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>

namespace {

using sk::bench::Ring;

enum Operation : std::uint64_t { kAccept = 0, kReceive = 1, kSend = 2 };

constexpr int kNone = -1;

struct Pair;

// One direction: what arrives on `from` leaves on `to`.
struct Direction {
  Pair* pair = nullptr;
  int from = -1;
  int to = -1;
  int sending = kNone;  // the buffer in flight
  int held = kNone;     // a buffer that waits for that send
  unsigned held_bytes = 0;
};

struct Pair {
  Direction up;
  Direction down;
  unsigned in_flight = 0;
  bool closing = false;
};

std::uint64_t tag(Direction* direction, Operation operation) {
  return reinterpret_cast<std::uint64_t>(direction) | operation;
}

class RelayEach {
 public:
  RelayEach(const char* port, const char* upstream)
      : listener_(sk::bench::listen_on(port)), upstream_(upstream) {}

  [[noreturn]] void run() {
    accept();
    for (;;) {
      ring_.turn([this](std::uint64_t user_data, int result, std::uint32_t flags) {
        auto* direction = reinterpret_cast<Direction*>(user_data & ~std::uint64_t{3});
        switch (user_data & 3U) {
          case kAccept:
            accepted(result, flags);
            break;
          case kReceive:
            received(*direction, result, flags);
            break;
          case kSend:
            sent(*direction, result);
            break;
          default:
            break;
        }
      });
    }
  }

 private:
  void accept() {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_multishot_accept(sqe, listener_, nullptr, nullptr, SOCK_CLOEXEC);
    sqe->user_data = kAccept;
  }

  void accepted(int fd, std::uint32_t flags) {
    if ((flags & IORING_CQE_F_MORE) == 0) {
      accept();
    }
    if (fd < 0) {
      return;
    }
    const int upstream = sk::bench::connect_to(upstream_);
    if (upstream < 0) {
      close(fd);
      return;
    }
    auto* pair = new Pair;
    pair->up = {.pair = pair, .from = fd, .to = upstream};
    pair->down = {.pair = pair, .from = upstream, .to = fd};
    receive(pair->up);
    receive(pair->down);
  }

  void receive(Direction& direction) {
    ring_.receive_provided(direction.from, tag(&direction, kReceive));
    direction.pair->in_flight += 1;
  }

  void received(Direction& direction, int bytes, std::uint32_t flags) {
    Pair& pair = *direction.pair;
    pair.in_flight -= 1;
    if (bytes <= 0) {
      if ((flags & IORING_CQE_F_BUFFER) != 0) {
        ring_.give_back(Ring::buffer_id(flags));
      }
      // -ENOBUFS cannot last: at most four buffers per pair are out and 2048 exist; beyond 512
      // clients a pair may be closed by it, which the load generator reports as an error.
      finish(pair);
      return;
    }
    const int buffer = static_cast<int>(Ring::buffer_id(flags));
    if (pair.closing) {
      ring_.give_back(static_cast<unsigned>(buffer));
      finish(pair);
    } else if (direction.sending == kNone) {
      send(direction, buffer, static_cast<unsigned>(bytes));
      receive(direction);
    } else {
      direction.held = buffer;
      direction.held_bytes = static_cast<unsigned>(bytes);
    }
  }

  void send(Direction& direction, int buffer, unsigned bytes) {
    io_uring_sqe* sqe = ring_.sqe();
    io_uring_prep_send(sqe, direction.to, ring_.buffer(static_cast<unsigned>(buffer)).data(), bytes,
                       MSG_WAITALL | MSG_NOSIGNAL);
    sqe->user_data = tag(&direction, kSend);
    direction.sending = buffer;
    direction.pair->in_flight += 1;
  }

  void sent(Direction& direction, int result) {
    Pair& pair = *direction.pair;
    pair.in_flight -= 1;
    ring_.give_back(static_cast<unsigned>(direction.sending));
    direction.sending = kNone;
    if (result < 0 || pair.closing) {
      finish(pair);
    } else if (direction.held != kNone) {
      send(direction, direction.held, direction.held_bytes);
      direction.held = kNone;
      receive(direction);
    }
  }

  // Closing is asking (shutdown wakes both receives), then waiting until nothing is in flight.
  void finish(Pair& pair) {
    if (!pair.closing) {
      pair.closing = true;
      shutdown(pair.up.from, SHUT_RDWR);
      shutdown(pair.up.to, SHUT_RDWR);
      for (Direction* direction : {&pair.up, &pair.down}) {
        if (direction->held != kNone) {
          ring_.give_back(static_cast<unsigned>(direction->held));
          direction->held = kNone;
        }
      }
    }
    if (pair.in_flight == 0) {
      close(pair.up.from);
      close(pair.up.to);
      delete &pair;
    }
  }

  Ring ring_;
  int listener_;
  const char* upstream_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench-relay-each PORT UPSTREAM-SOCKET\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  RelayEach(argv[1], argv[2]).run();
}
