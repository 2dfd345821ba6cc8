// Upload: the request body on its way from the client to an endpoint, and, while it is small, what
// a second endpoint would need.
//
// Lives as long as the request, across its attempts. Until kReplayBytesMax have passed the pieces
// are held; beyond that the request cannot be sent anywhere else any more.
#pragma once

#include "net/http/exchange.h"
#include "net/http/upstream_stream.h"

#include "lb/own_answer.h"
#include "lb/retry.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace sk::lb {

class Upload {
 public:
  // bytes_max: what the route allows.
  Upload(Exchange& exchange, std::uint64_t bytes_max)
      : exchange_(exchange), bytes_max_(bytes_max) {}

  // Sends the held part and then what still comes from the client, until the end, trouble, or the
  // scope's cancellation (which it then returns from). Wakes stream.head_event() when it has ended.
  Task<void> send(UpstreamStream& stream, CancelScope& scope);

  // The whole body came from the client and was written to the current stream.
  bool sent() const { return sent_; }
  // When that was; kNever before.
  Instant sent_at() const { return sent_at_; }
  bool replayable() const { return replayable_; }
  // The client's fault: what it must be told.
  const std::optional<OwnAnswer>& fault() const { return fault_; }
  // Before another attempt.
  void rewind() {
    sent_ = false;
    sent_at_ = kNever;
  }

 private:
  void hold(const Slice& piece);
  // Waits for room and writes; false when the stream takes no more.
  Task<bool> write(UpstreamStream& stream, Slice piece, CancelScope& scope);

  Exchange& exchange_;
  const std::uint64_t bytes_max_;
  std::uint64_t bytes_ = 0;
  std::vector<Slice> held_;
  std::uint64_t held_bytes_ = 0;
  bool replayable_ = true;
  bool client_ended_ = false;
  bool sent_ = false;
  Instant sent_at_ = kNever;
  std::optional<OwnAnswer> fault_;
};

}  // namespace sk::lb
