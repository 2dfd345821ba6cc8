// UringLoop: the kernel completes operations itself.
//
// Set-up: SINGLE_ISSUER and DEFER_TASKRUN, a registered ring descriptor, one
// submit_and_wait per turn. Pooled receives select their buffer when data have come, from a
// provided-buffer ring into which this loop lends free buffers of its pool; an idle connection so
// pins no memory. Works on Linux 6.1 and later.
#pragma once

#include "net/io/loop.h"

#include <liburing.h>

namespace sk {

// The flags that probe_io() tries and UringLoop uses.
inline constexpr unsigned kUringFlags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN |
                                        IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
                                        IORING_SETUP_SUBMIT_ALL;
inline constexpr unsigned kUringEntries = 1024;
inline constexpr unsigned kUringCompletions = 8192;

class UringLoop final : public Loop {
 public:
  UringLoop(const LoopConfig& config, Alarms alarms);
  ~UringLoop() override;

  [[nodiscard]] IoBackend backend() const override { return IoBackend::uring; }
  void close(int fd) override;

 protected:
  void submit(Operation& op) override;
  void request_cancel(Operation& op) override;
  void poll_kernel(bool wait) override;

 private:
  io_uring_sqe* next_entry();
  void enable_ring();
  // Watches an alarm's descriptor, once.
  void watch(int fd, std::uint64_t tag);
  void lend_buffers();
  void finish(const io_uring_cqe& completion);
  void finish_accept(Operation& op, int result, bool more);
  void finish_recv(Operation& op, int result, std::uint32_t flags);

  io_uring ring_{};
  io_uring_buf_ring* lent_ring_ = nullptr;
  unsigned lent_capacity_ = 0;  // a power of two
  unsigned lent_ = 0;           // buffers the kernel may choose from now
  bool enabled_ = false;
};

}  // namespace sk
