#pragma once

#include <liburing.h>

#include <cstdint>
#include <span>
#include <vector>

namespace sk::bench {

// Ring is one io_uring as a single thread wants it: SINGLE_ISSUER and DEFER_TASKRUN, a registered
// ring descriptor, one group of provided receive buffers, and turns. A turn is
//
//   submit all that was prepared, wait for at least one completion (one system call),
//   take every completion there is, prepare the follow-ups.
//
// Nothing is submitted in the middle of a turn, so under load many requests share the one call.
// It ends the process with one line when the kernel refuses: a benchmark must not silently measure
// less.
class Ring {
 public:
  static constexpr unsigned kBufferBytes = 4096;
  static constexpr unsigned kBuffers = 2048;  // a power of two
  static constexpr unsigned kBufferGroup = 0;

  Ring();
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Never null: submits early when the submission queue is full (more than 4096 operations in a
  // turn).
  io_uring_sqe* sqe();

  // One turn: waits, then calls `handle(user_data, result, flags)` for each completion.
  template <typename Handle>
  void turn(Handle&& handle);

  // Prepares a one-shot receive into a provided buffer. It waits for readiness first (POLL_FIRST):
  // on a keep-alive connection the bytes are hardly ever there yet, and the attempt would be
  // wasted.
  void receive_provided(int fd, std::uint64_t user_data);
  static unsigned buffer_id(std::uint32_t cqe_flags) {
    return cqe_flags >> IORING_CQE_BUFFER_SHIFT;
  }
  std::span<char> buffer(unsigned id) {
    return std::span(memory_).subspan(std::size_t{id} * kBufferBytes, kBufferBytes);
  }
  void give_back(unsigned id);

 private:
  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  std::vector<char> memory_;
};

template <typename Handle>
void Ring::turn(Handle&& handle) {
  io_uring_submit_and_wait(&ring_, 1);
  io_uring_cqe* cqe = nullptr;
  unsigned head = 0;
  unsigned taken = 0;
  io_uring_for_each_cqe(&ring_, head, cqe) {
    handle(cqe->user_data, cqe->res, cqe->flags);
    ++taken;
  }
  io_uring_cq_advance(&ring_, taken);
}

// "PORT" to a listening TCP socket on 127.0.0.1; ends the process with one line when that fails.
int listen_on(const char* port_text);
// A blocking connection to the Unix socket at `path`, or -1.
int connect_to(const char* path);

}  // namespace sk::bench
