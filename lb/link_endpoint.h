// LinkEndpoint: one worker as one data thread reaches it, over the worker link.
//
// The supervisor attaches a new link for each process it starts in the worker's place; the old one
// lives on until its last stream was released. Belongs to one loop.
#pragma once

#include "net/io/task_group.h"
#include "net/link/link_client.h"

#include "lb/endpoint.h"
#include "lb/endpoint_client.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace sk::lb {

// What a link tells the supervisor. Called on the data thread: whoever listens posts it on.
struct LinkEvent {
  enum class Kind : std::uint8_t { ready, draining, ended };
  Kind kind = Kind::ready;
  std::uint64_t process = 0;  // which process in the worker's place; counts from 1
  Error error;                // ended: why
};

class LinkEndpoint final : public EndpointClient, private LinkObserver {
 public:
  using OnEvent = std::move_only_function<void(const LinkEvent&)>;

  LinkEndpoint(Loop& loop, Endpoint& endpoint, OnEvent on_event);
  ~LinkEndpoint() override;

  // fd and page: our end of a link whose other end went to the process. boot_id: of this balancer.
  void attach(std::uint64_t process, int fd, LinkPage page, const LinkLimits& limits,
              std::uint64_t boot_id);
  // The process is to end: no new streams; the link goes when the last one has been released.
  void detach(std::uint64_t process);

  UpstreamStreamPtr try_open() override;
  Task<Result<UpstreamStreamPtr>> open(CancelScope& scope, Instant until) override;
  bool counts_streams() const override { return true; }
  bool reuses_connections() const override { return false; }
  Task<void> close() override;

 private:
  struct Link;

  void link_ready(LinkClient& link) override;
  void link_draining(LinkClient& link) override;
  Task<void> run(Link& link);
  Link* find(const LinkClient& client);

  Loop& loop_;
  Endpoint& endpoint_;
  OnEvent on_event_;
  std::vector<std::unique_ptr<Link>> links_;
  Link* current_ = nullptr;  // the one for new streams
  CancelScope scope_;
  TaskGroup tasks_;
};

}  // namespace sk::lb
