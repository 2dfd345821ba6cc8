#include "net/link/control.h"

#include "net/io/operation.h"

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sk {
namespace {

constexpr std::uint32_t kMagic = 0x314c4b53;  // "SKL1"

struct Message {
  std::uint32_t magic = kMagic;
  std::uint32_t slots = 0;
  std::uint32_t stream_window = 0;
  std::uint32_t stream_window_max = 0;
  std::uint32_t growth_pool = 0;
};

// Limits a link may be given; the worker reserves memory by them.
bool sensible(const Message& m) {
  return m.magic == kMagic && m.slots > 0 && m.slots < kNoSlot && m.stream_window > 0 &&
         m.stream_window <= m.stream_window_max && m.stream_window_max <= (1U << 26) &&
         m.growth_pool <= (1U << 30) && std::uint64_t{m.slots} * m.stream_window <= (1U << 30);
}

struct Descriptors {
  static constexpr std::size_t kCount = 2;
  std::array<int, kCount> fds = {-1, -1};
  std::size_t count = 0;

  void close_all() {
    for (std::size_t i = 0; i < count; ++i) {
      ::close(fds[i]);
    }
  }
};

// Every descriptor that came is either in the result or closed.
Descriptors take_descriptors(msghdr& message) {
  Descriptors taken;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    const std::size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
      if (taken.count < Descriptors::kCount) {
        taken.fds[taken.count++] = fd;
      } else {
        ::close(fd);
      }
    }
  }
  return taken;
}

}  // namespace

Result<void> send_link(int control_fd, const LinkEnds& ends) {
  Message body;
  body.slots = ends.limits.slots;
  body.stream_window = ends.limits.stream_window;
  body.stream_window_max = ends.limits.stream_window_max;
  body.growth_pool = ends.limits.growth_pool;
  iovec piece{&body, sizeof(body)};
  const std::array<int, Descriptors::kCount> fds = {ends.socket_fd, ends.page_fd};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(fds))> ancillary{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.data();
  message.msg_controllen = ancillary.size();
  cmsghdr* c = CMSG_FIRSTHDR(&message);
  c->cmsg_level = SOL_SOCKET;
  c->cmsg_type = SCM_RIGHTS;
  c->cmsg_len = CMSG_LEN(sizeof(fds));
  std::memcpy(CMSG_DATA(c), fds.data(), sizeof(fds));
  if (::sendmsg(control_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
    return fail(error_from_errno(errno, "control socket", ErrorOrigin::upstream));
  }
  return {};
}

Task<Result<LinkEnds>> receive_link(CancelScope& scope, int control_fd) {
  Message body;
  iovec piece{&body, sizeof(body)};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(Descriptors::kCount * sizeof(int))> ancillary{};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = ancillary.data();
  message.msg_controllen = ancillary.size();
  const Result<std::size_t> got = co_await RecvMessage(scope, control_fd, message);
  if (!got) {
    co_return fail(got.error());
  }
  Descriptors taken = take_descriptors(message);
  if (*got == 0) {
    taken.close_all();
    co_return fail(ErrorCode::closed, "control socket: closed by the supervisor");
  }
  if (*got != sizeof(body) || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ||
      taken.count != Descriptors::kCount || !sensible(body)) {
    taken.close_all();
    co_return fail(ErrorCode::malformed, "control socket: not a link");
  }
  LinkEnds ends;
  ends.socket_fd = taken.fds[0];
  ends.page_fd = taken.fds[1];
  ends.limits.slots = body.slots;
  ends.limits.stream_window = body.stream_window;
  ends.limits.stream_window_max = body.stream_window_max;
  ends.limits.growth_pool = body.growth_pool;
  co_return ends;
}

}  // namespace sk
