// LinkPage: one atomic word per slot, shared by balancer and worker, that says whether a request
// was started.
//
// The balancer publishes "sent" before it queues a REQUEST. The worker swaps sent -> started before
// it enters the handler; the balancer swaps sent -> revoked before it gives the request to another
// worker. Whoever comes first wins, so a request that was revoked never runs, and one that was
// started is never given away. A frame could not say this safely: a statement may leave the worker
// before the frame does.
//
// The memory is a memfd sealed against resizing. Its content is untrusted: a worker that forges a
// word can only harm requests of its own link. Words lie a cache line apart, because neighbouring
// slots are used by both processes at the same time.
#pragma once

#include <atomic>
#include <cstdint>

#include "net/core/result.h"
#include "net/link/frames.h"

namespace sk {

class LinkPage {
 public:
  // Makes a page for `slots` slots; fd() is passed to the worker.
  [[nodiscard]] static Result<LinkPage> create(std::uint32_t slots);
  // Maps the page behind a descriptor that came from a peer; checks size and seals. Takes the
  // descriptor in any case.
  [[nodiscard]] static Result<LinkPage> map(int fd, std::uint32_t slots);

  LinkPage(LinkPage&& other) noexcept;
  LinkPage& operator=(LinkPage&& other) noexcept;
  ~LinkPage();

  // Balancer: the slot's request is about to be sent.
  void publish(StreamId stream);
  // Worker: true if the request may run; false if it was revoked or the word is not ours.
  [[nodiscard]] bool try_start(StreamId stream);
  // Balancer: true if the request certainly never started and never will.
  [[nodiscard]] bool try_revoke(StreamId stream);

  [[nodiscard]] int fd() const { return fd_; }
  // The descriptor is not needed once both sides have mapped the page.
  void close_fd();

 private:
  LinkPage() = default;

  static constexpr std::size_t kStrideBytes = 64;
  [[nodiscard]] std::atomic<std::uint32_t>& word(std::uint16_t slot);
  [[nodiscard]] static Result<LinkPage> map_memory(int fd, std::uint32_t slots);

  int fd_ = -1;
  char* memory_ = nullptr;
  std::uint32_t slots_ = 0;
};

}  // namespace sk
