// The start-up probe: tries what UringLoop will do, once, and tears it down again.
#include "net/core/owned_fd.h"
#include "net/io/loop.h"
#include "net/io/uring_loop.h"

#include <liburing.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sk {
namespace {

struct Failure {
  const char* step = nullptr;
  int sys_errno = 0;
};

constexpr std::array kNeededOperations = {
    IORING_OP_ACCEPT,  IORING_OP_CONNECT, IORING_OP_RECV,     IORING_OP_SEND,
    IORING_OP_RECVMSG, IORING_OP_SENDMSG, IORING_OP_POLL_ADD, IORING_OP_ASYNC_CANCEL};

Failure check_operations(io_uring& ring) {
  io_uring_probe* known = io_uring_get_probe_ring(&ring);
  if (known == nullptr) {
    return {"io_uring_register_probe", ENOSYS};
  }
  Failure failure;
  for (const int op : kNeededOperations) {
    if (io_uring_opcode_supported(known, op) == 0) {
      failure = {"an operation this kernel lacks", EOPNOTSUPP};
    }
  }
  io_uring_free_probe(known);
  return failure;
}

Failure receive_once(io_uring& ring, io_uring_buf_ring* buffers) {
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) < 0) {
    return {"socketpair", errno};
  }
  const OwnedFd receiver(pair[0]);
  const OwnedFd sender(pair[1]);
  std::array<char, 16> memory{};
  io_uring_buf_ring_add(buffers, memory.data(), memory.size(), 0, io_uring_buf_ring_mask(1), 0);
  io_uring_buf_ring_advance(buffers, 1);
  Failure failure;
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  io_uring_prep_recv(entry, receiver.get(), nullptr, memory.size(), 0);
  entry->flags |= IOSQE_BUFFER_SELECT;
  io_uring_cqe* completion = nullptr;
  __kernel_timespec timeout{1, 0};
  if (::send(sender.get(), "x", 1, 0) != 1) {
    failure = {"send", errno};
  } else if (const int got =
                 io_uring_submit_and_wait_timeout(&ring, &completion, 1, &timeout, nullptr);
             got < 0) {
    failure = {"io_uring_enter", -got};
  } else if (completion == nullptr || completion->res != 1) {
    failure = {"a receive from a buffer ring", completion == nullptr ? ETIME : -completion->res};
  }
  return failure;
}

Failure try_uring() {
  io_uring ring{};
  io_uring_params params{};
  params.flags = kUringFlags;
  params.cq_entries = kUringCompletions;
  if (const int error = io_uring_queue_init_params(kUringEntries, &ring, &params); error < 0) {
    return {"io_uring_setup", -error};
  }
  Failure failure = check_operations(ring);
  if (failure.step == nullptr) {
    int error = 0;
    io_uring_buf_ring* buffers = io_uring_setup_buf_ring(&ring, 1, 0, 0, &error);
    if (buffers == nullptr) {
      failure = {"io_uring_register_buf_ring", -error};
    } else {
      failure = receive_once(ring, buffers);
      io_uring_free_buf_ring(&ring, buffers, 1, 0);
    }
  }
  io_uring_queue_exit(&ring);
  return failure;
}

const char* likely_cause(int sys_errno) {
  switch (sys_errno) {
    case EPERM:
    case EACCES:
      return "a seccomp profile (Docker, containerd, Fargate) or kernel.io_uring_disabled";
    case ENOSYS:
      return "a kernel or sandbox without io_uring";
    case ENOMEM:
      return "RLIMIT_MEMLOCK or memory is too small";
    case EINVAL:
      return "a kernel older than 6.1";
    default:
      return "see errno";
  }
}

}  // namespace

std::string IoProbe::describe() const {
  std::string text(to_string(backend));
  if (!step.empty()) {
    const char* name = strerrorname_np(sys_errno);
    text.append(": io_uring refused at ").append(step).append(" (");
    text.append(name != nullptr ? name : std::to_string(sys_errno));
    text.append("): ").append(likely_cause(sys_errno));
  }
  return text;
}

Result<IoProbe> probe_io(IoChoice choice, std::string& why) {
  IoProbe probe;
  if (choice == IoChoice::epoll) {
    return probe;
  }
  const Failure failure = try_uring();
  if (failure.step == nullptr) {
    probe.backend = IoBackend::uring;
    return probe;
  }
  probe.step = failure.step;
  probe.sys_errno = failure.sys_errno;
  if (choice == IoChoice::uring) {
    why = probe.describe();
    return fail(ErrorCode::unsupported, "io_uring was asked for and is refused",
                ErrorOrigin::config, failure.sys_errno);
  }
  return probe;
}

}  // namespace sk
