#include "net/io/uring_loop.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <system_error>
#include <utility>

namespace sk {
namespace {

// user_data of requests that are not operations; operations are aligned, so their low bits are 0.
constexpr std::uint64_t kIgnoredTag = 1;
constexpr std::uint64_t kWakeTag = 2;
constexpr std::uint64_t kTimerTag = 3;

constexpr unsigned kLentMax = 256;

// Marks a buffer that the kernel may fill: nobody holds a slice of it.
constexpr std::uint32_t kLentReferences = UINT32_MAX;

[[noreturn]] void throw_errno(int error, const char* step) {
  throw std::system_error(error, std::generic_category(), step);
}

}  // namespace

UringLoop::UringLoop(const LoopConfig& config, Alarms alarms) : Loop(config, std::move(alarms)) {
  io_uring_params params{};
  // The ring starts disabled, so that it may be made on one thread and belong to the thread that
  // first runs the loop: SINGLE_ISSUER binds it to whoever enables it.
  params.flags = kUringFlags | IORING_SETUP_R_DISABLED;
  params.cq_entries = kUringCompletions;
  if (const int error = io_uring_queue_init_params(kUringEntries, &ring_, &params); error < 0) {
    throw_errno(-error, "io_uring_setup");
  }
  // Half of a small pool stays here: output needs buffers too.
  lent_capacity_ = std::min(
      kLentMax, std::bit_floor(std::max(2U, static_cast<unsigned>(buffers().count())) / 2));
  int error = 0;
  lent_ring_ = io_uring_setup_buf_ring(&ring_, lent_capacity_, 0, 0, &error);
  if (lent_ring_ == nullptr) {
    io_uring_queue_exit(&ring_);
    throw_errno(-error, "io_uring_register_buf_ring");
  }
}

UringLoop::~UringLoop() {
  io_uring_free_buf_ring(&ring_, lent_ring_, lent_capacity_, 0);
  io_uring_queue_exit(&ring_);
  // What was lent is ours again: the ring that could fill it is gone.
  for (std::size_t i = 0; i < buffers().count(); ++i) {
    Buffer& buffer = buffers().at(i);
    if (buffer.references == kLentReferences) {
      buffer.references = 0;
      buffers().release(buffer);
    }
  }
}

void UringLoop::enable_ring() {
  if (const int error = io_uring_enable_rings(&ring_); error < 0) {
    throw_errno(-error, "io_uring_enable_rings");
  }
  if (const int error = io_uring_register_ring_fd(&ring_); error < 0) {
    throw_errno(-error, "io_uring_register_ring_fd");
  }
  enabled_ = true;
  watch(alarms_.wake.get(), kWakeTag);
  watch(alarms_.timer.get(), kTimerTag);
}

io_uring_sqe* UringLoop::next_entry() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring_);
  while (entry == nullptr) {
    // The queue is full: hand it over. Completions that this brings wait in their own queue.
    if (!enabled_) {
      enable_ring();
    }
    io_uring_submit(&ring_);
    entry = io_uring_get_sqe(&ring_);
  }
  return entry;
}

void UringLoop::watch(int fd, std::uint64_t tag) {
  io_uring_sqe* entry = next_entry();
  io_uring_prep_poll_add(entry, fd, POLLIN);
  io_uring_sqe_set_data64(entry, tag);
}

void UringLoop::submit(Operation& op) {
  if (op.kind() == OperationKind::accept) {
    if (!op.accepted_.empty()) {
      op.complete(static_cast<int>(op.accepted_.size()));
      return;
    }
    if (op.multishot_armed_) {
      return;
    }
    op.multishot_armed_ = true;
  }
  io_uring_sqe* entry = next_entry();
  op.prepare(entry);
  io_uring_sqe_set_data(entry, &op);
}

void UringLoop::request_cancel(Operation& op) {
  ListHook<StarvedTag>& starved = op;
  if (starved.linked()) {
    starved.unlink();
    op.complete(-ECANCELED);
    return;
  }
  io_uring_sqe* entry = next_entry();
  io_uring_prep_cancel(entry, &op, 0);
  io_uring_sqe_set_data64(entry, kIgnoredTag);
}

void UringLoop::lend_buffers() {
  unsigned added = 0;
  const int mask = io_uring_buf_ring_mask(lent_capacity_);
  while (lent_ < lent_capacity_) {
    Buffer* buffer = buffers().acquire();
    if (buffer == nullptr) {
      break;
    }
    buffer->references = kLentReferences;
    io_uring_buf_ring_add(lent_ring_, buffer->data, kBufferBytes,
                          static_cast<unsigned short>(buffer->index), mask,
                          static_cast<int>(added));
    ++added;
    ++lent_;
  }
  if (added > 0) {
    io_uring_buf_ring_advance(lent_ring_, static_cast<int>(added));
  }
}

void UringLoop::finish_accept(Operation& op, int result, bool more) {
  op.multishot_armed_ = more;
  if (result >= 0) {
    op.accepted_.push_back(result);
  }
  if (!op.in_flight()) {
    return;  // between two starts: kept for the next one
  }
  if (!op.accepted_.empty()) {
    // When the wait was interrupted, the request still has to end before its memory may go.
    if (!op.interrupted() || !more) {
      op.complete(static_cast<int>(op.accepted_.size()));
    }
  } else if (!more) {
    op.complete(result);
  }
}

void UringLoop::finish_recv(Operation& op, int result, std::uint32_t flags) {
  if ((flags & IORING_CQE_F_BUFFER) != 0) {
    Buffer& buffer = buffers().at(flags >> IORING_CQE_BUFFER_SHIFT);
    SK_ASSERT(buffer.references == kLentReferences);
    --lent_;
    buffer.references = 1;
    op.drained_ = result >= 0 && static_cast<std::size_t>(result) < kBufferBytes;
    op.attach_buffer(buffer, result > 0 ? static_cast<std::size_t>(result) : 0);
    op.complete(result);
    return;
  }
  if (result == -ENOBUFS && !op.interrupted()) {
    // Flow control, not an error: wait until buffers are back. lend_buffers() runs before the
    // next submission, so a pool that is not dry is found out at once.
    lend_buffers();
    if (lent_ > 0) {
      submit(op);
    } else {
      park_starved(op);
    }
    return;
  }
  op.complete(result);
}

void UringLoop::finish(const io_uring_cqe& completion) {
  const std::uint64_t tag = completion.user_data;
  if (tag == kIgnoredTag) {
    return;
  }
  if (tag == kWakeTag) {
    wake_seen();
    watch(alarms_.wake.get(), kWakeTag);
    return;
  }
  if (tag == kTimerTag) {
    timer_seen();
    watch(alarms_.timer.get(), kTimerTag);
    return;
  }
  ++counters_.completions;
  auto& op = *reinterpret_cast<Operation*>(tag);
  switch (op.kind()) {
    case OperationKind::accept:
      finish_accept(op, completion.res, (completion.flags & IORING_CQE_F_MORE) != 0);
      break;
    case OperationKind::recv_pooled:
      finish_recv(op, completion.res, completion.flags);
      break;
    default:
      op.complete(completion.res);
      break;
  }
}

void UringLoop::poll_kernel(bool wait) {
  if (!enabled_) {
    enable_ring();
  }
  lend_buffers();
  if (wait) {
    io_uring_submit_and_wait(&ring_, 1);
  } else {
    io_uring_submit_and_get_events(&ring_);
  }
  io_uring_cqe* completion = nullptr;
  unsigned head = 0;
  unsigned seen = 0;
  io_uring_for_each_cqe(&ring_, head, completion) {
    ++seen;
    finish(*completion);
  }
  io_uring_cq_advance(&ring_, seen);
  if (io_uring_cq_has_overflow(&ring_)) {
    ++counters_.ring_overflows;
  }
}

void UringLoop::close(int fd) { ::close(fd); }

}  // namespace sk
