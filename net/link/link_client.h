// LinkClient: the balancer's end of one worker link; its streams are UpstreamStreams.
//
// Belongs to one data thread. open() takes a slot; a slot is free again when the stream was
// released and both directions have ended, and until then the stream counts as in flight, both here
// and in the endpoint's shared counter. When the link ends every open stream fails; run() returns
// when all of them have been released.
#pragma once

#include "net/http/upstream_stream.h"
#include "net/link/link_connection.h"
#include "net/link/page.h"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace sk {

class LinkClient;

// Told on the link's loop. The link's end is told by run()'s return.
class LinkObserver {
 public:
  virtual void link_ready(LinkClient& link) = 0;     // HELLO came: streams may be opened
  virtual void link_draining(LinkClient& link) = 0;  // the worker wants no new streams

 protected:
  ~LinkObserver() = default;
};

class LinkClient final : private LinkConnection {
 public:
  // fd: our end of the socket pair. in_flight: the endpoint's counter, outlives the client.
  LinkClient(Loop& loop, int fd, LinkPage page, const LinkLimits& limits, std::uint64_t boot_id,
             std::atomic<std::uint32_t>& in_flight, LinkObserver& observer);
  ~LinkClient();

  [[nodiscard]] Task<Error> run(CancelScope& scope);

  [[nodiscard]] bool ready() const { return ready_ && !draining_; }
  // Null when not ready or when every slot is taken.
  [[nodiscard]] UpstreamStreamPtr open();
  [[nodiscard]] std::size_t open_streams() const { return open_streams_; }
  [[nodiscard]] std::uint64_t worker_boot_id() const { return worker_boot_id_; }

 private:
  class Stream;

  Result<void> on_hello(const Hello& hello) override;
  Result<void> on_stream_frame(const FrameHeader& frame, std::string_view payload) override;
  Result<void> on_stream_body(StreamId stream, Slice piece, bool last) override;
  void on_drain() override;
  void direction_ended(StreamId stream) override;

  [[nodiscard]] Stream* find(StreamId stream);
  void free_if_over(Stream& stream);
  void fail_streams(const Error& error);

  LinkPage page_;
  std::uint64_t boot_id_;
  std::atomic<std::uint32_t>& in_flight_;
  LinkObserver& observer_;
  std::vector<std::unique_ptr<Stream>> streams_;  // by slot; made when a slot is first used
  std::vector<std::uint16_t> free_slots_;
  std::vector<std::string> route_patterns_;
  std::size_t open_streams_ = 0;
  std::uint64_t worker_boot_id_ = 0;
  bool ready_ = false;
  bool draining_ = false;
  bool ended_ = false;
  Event idle_;
};

}  // namespace sk
