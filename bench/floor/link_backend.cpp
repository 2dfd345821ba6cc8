// bench-link-backend: the trivial answer behind bench-relay-link.
//
//   bench-link-backend LINK-SOCKET BODY
//
// Serves one link after another with blocking calls: one read brings the frames of many requests,
// one write takes all their answers back. The relay never stops reading, so the write cannot
// dead-lock.

#include "bench/floor/link_frame.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

namespace {

using sk::bench::kFrameMax;
using sk::bench::kLinkBatchMax;
using sk::bench::LinkFrame;

bool send_all(int fd, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t wrote = send(fd, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (wrote < 0) {
      return false;
    }
    sent += static_cast<std::size_t>(wrote);
  }
  return true;
}

void serve(int fd, const std::string& answer) {
  std::vector<char> incoming(kLinkBatchMax);
  std::string outgoing;
  std::size_t filled = 0;
  for (;;) {
    const ssize_t got = recv(fd, incoming.data() + filled, incoming.size() - filled, 0);
    if (got <= 0) {
      return;
    }
    filled += static_cast<std::size_t>(got);
    std::size_t at = 0;
    outgoing.clear();
    LinkFrame frame;
    while (filled - at >= sizeof frame) {
      std::memcpy(&frame, incoming.data() + at, sizeof frame);
      if (frame.bytes == 0 || frame.bytes > kFrameMax) {
        std::fprintf(stderr, "bench-link-backend: a frame of %u bytes: expected 1 to %zu\n",
                     frame.bytes, kFrameMax);
        return;
      }
      if (filled - at < sizeof frame + frame.bytes) {
        break;
      }
      at += sizeof frame + frame.bytes;
      frame.bytes = static_cast<std::uint32_t>(answer.size());
      outgoing.append(reinterpret_cast<const char*>(&frame), sizeof frame).append(answer);
    }
    filled -= at;
    std::memmove(incoming.data(), incoming.data() + at, filled);
    if (!send_all(fd, outgoing)) {
      return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench-link-backend LINK-SOCKET BODY\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const std::string body = argv[2];
  const std::string answer =
      "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: " +
      std::to_string(body.size()) + "\r\n\r\n" + body;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (answer.size() > kFrameMax || std::strlen(argv[1]) >= sizeof address.sun_path) {
    std::fprintf(stderr, "bench-link-backend: the answer may have %zu bytes, the socket path 107\n",
                 kFrameMax);
    return 2;
  }
  std::strcpy(address.sun_path, argv[1]);
  unlink(argv[1]);
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0 || bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener, 16) != 0) {
    std::fprintf(stderr, "bench-link-backend: listening on %s: %s\n", argv[1],
                 std::strerror(errno));
    return 1;
  }
  for (;;) {
    const int fd = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) {
      serve(fd, answer);
      close(fd);
    }
  }
}
