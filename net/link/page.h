// LinkPage: what balancer and worker know in common about each slot, in shared memory: whether its
// request was started, and where its time goes.
//
// The balancer publishes "sent" before it queues a REQUEST. The worker swaps sent -> started before
// it enters the handler; the balancer swaps sent -> revoked before it gives the request to another
// worker. Whoever comes first wins, so a request that was revoked never runs, and one that was
// started is never given away. A frame could not say this safely: a statement may leave the worker
// before the frame does.
//
// Where the balancer wants the stages of a request, the worker notes them beside that word: when
// the handler was entered, in which stage it is, and how long it was in each. A frame could not
// say that either: at the deadline the balancer must name the stage at once, also of a worker whose
// loop is stuck, and a response's head must leave before the worker's part is over.
//
// The memory is a memfd sealed against resizing. Its content is untrusted: a worker that forges it
// can only harm requests of its own link. Slots lie a cache line apart, because neighbouring ones
// are used by both processes at the same time.
#pragma once

#include "net/core/owned_fd.h"
#include "net/core/result.h"
#include "net/core/stage.h"
#include "net/http/upstream_stream.h"
#include "net/link/frames.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

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

  // Worker: the request was started at entered, and this is where its time goes.
  void note_stages(StreamId stream, const StageClock& clock);
  // Balancer: what the worker noted; nothing where it noted nothing about this request. The numbers
  // are the worker's word: not even their sum is certain to be what has passed.
  [[nodiscard]] std::optional<WorkerStages> stages(StreamId stream) const;
  // Balancer: the handler was entered.
  [[nodiscard]] bool started(StreamId stream) const;

  [[nodiscard]] int fd() const { return fd_.get(); }
  // The descriptor is not needed once both sides have mapped the page.
  void close_fd() { fd_.reset(); }

 private:
  LinkPage() = default;

  static constexpr std::size_t kStrideBytes = 64;
  // The stages that a worker tells apart.
  static constexpr std::array kNoted = {Stage::read, Stage::handler, Stage::pg_pool,
                                        Stage::pg,   Stage::redis,   Stage::write};
  // One slot. Every word is an atomic of its own; only the first one's changes are ordered.
  struct Slot {
    std::atomic<std::uint32_t> state;
    // generation << 16 | stage of the deadline << 8 | present stage; kNoStage: none
    std::atomic<std::uint32_t> present;
    std::atomic<std::uint64_t> entered_ns;  // CLOCK_MONOTONIC
    std::array<std::atomic<std::uint32_t>, kNoted.size()> spent_us;
  };
  static_assert(sizeof(Slot) <= kStrideBytes);

  [[nodiscard]] Slot& slot(std::uint16_t index) const;
  [[nodiscard]] std::atomic<std::uint32_t>& word(std::uint16_t index) const {
    return slot(index).state;
  }
  [[nodiscard]] static Result<LinkPage> map_memory(OwnedFd fd, std::uint32_t slots);

  OwnedFd fd_;
  char* memory_ = nullptr;
  std::uint32_t slots_ = 0;
};

}  // namespace sk
