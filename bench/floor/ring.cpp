#include "bench/floor/ring.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace sk::bench {
namespace {

[[noreturn]] void die(const char* what, int error) {
  std::fprintf(stderr, "bench-relay: %s: %s\n", what, std::strerror(error));
  std::exit(1);
}

}  // namespace

Ring::Ring() : memory_(std::size_t{kBuffers} * kBufferBytes) {
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE;
  params.cq_entries = 16 * 1024;
  if (const int error = io_uring_queue_init_params(4096, &ring_, &params); error != 0) {
    die("io_uring with DEFER_TASKRUN (needs kernel 6.1 and no seccomp profile against it)", -error);
  }
  if (const int error = io_uring_register_ring_fd(&ring_); error != 1) {
    die("registering the ring descriptor", error < 0 ? -error : EINVAL);
  }
  int error = 0;
  buffers_ = io_uring_setup_buf_ring(&ring_, kBuffers, kBufferGroup, 0, &error);
  if (buffers_ == nullptr) {
    die("registering the provided buffers", -error);
  }
  for (unsigned id = 0; id < kBuffers; ++id) {
    give_back(id);
  }
}

Ring::~Ring() {
  io_uring_free_buf_ring(&ring_, buffers_, kBuffers, kBufferGroup);
  io_uring_queue_exit(&ring_);
}

io_uring_sqe* Ring::sqe() {
  io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
  while (sqe == nullptr) {
    io_uring_submit(&ring_);
    sqe = io_uring_get_sqe(&ring_);
  }
  return sqe;
}

void Ring::receive_provided(int fd, std::uint64_t user_data) {
  io_uring_sqe* entry = sqe();
  io_uring_prep_recv(entry, fd, nullptr, 0, 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = kBufferGroup;
  entry->ioprio |= IORING_RECVSEND_POLL_FIRST;
  entry->user_data = user_data;
}

void Ring::give_back(unsigned id) {
  io_uring_buf_ring_add(buffers_, buffer(id).data(), kBufferBytes, static_cast<unsigned short>(id),
                        io_uring_buf_ring_mask(kBuffers), 0);
  io_uring_buf_ring_advance(buffers_, 1);
}

int listen_on(const char* port_text) {
  char* end = nullptr;
  const long port = std::strtol(port_text, &end, 10);
  if (*end != '\0' || port < 1 || port > 65535) {
    std::fprintf(stderr, "bench-relay: port '%s': expected 1 to 65535\n", port_text);
    std::exit(2);
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int on = 1;
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  // TCP_NODELAY is inherited by the accepted sockets.
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0 ||
      bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(fd, 4096) != 0) {
    die("listening on 127.0.0.1", errno);
  }
  return fd;
}

int connect_to(const char* path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) {
    std::fprintf(stderr, "bench-relay: the socket path is longer than 107 bytes: %s\n", path);
    std::exit(2);
  }
  std::strcpy(address.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    close(fd);
    return -1;
  }
  return fd;
}

}  // namespace sk::bench
