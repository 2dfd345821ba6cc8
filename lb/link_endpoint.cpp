#include "lb/link_endpoint.h"

#include "net/core/assert.h"

#include <algorithm>
#include <utility>

namespace sk::lb {

struct LinkEndpoint::Link {
  Link(Loop& loop, CancelScope& parent, int fd, LinkPage page, const LinkLimits& limits,
       std::uint64_t boot_id, Endpoint& endpoint, LinkObserver& observer, std::uint64_t number)
      : process(number),
        scope(parent),
        client(loop, fd, std::move(page), limits, boot_id, endpoint.in_flight_counter(), observer) {
  }

  const std::uint64_t process;
  CancelScope scope;
  LinkClient client;
};

LinkEndpoint::LinkEndpoint(Loop& loop, Endpoint& endpoint, OnEvent on_event)
    : loop_(loop),
      endpoint_(endpoint),
      on_event_(std::move(on_event)),
      scope_(loop),
      tasks_(loop) {}

LinkEndpoint::~LinkEndpoint() { SK_ASSERT(links_.empty()); }

void LinkEndpoint::attach(std::uint64_t process, int fd, LinkPage page, const LinkLimits& limits,
                          std::uint64_t boot_id) {
  auto link = std::make_unique<Link>(loop_, scope_, fd, std::move(page), limits, boot_id, endpoint_,
                                     static_cast<LinkObserver&>(*this), process);
  current_ = links_.emplace_back(std::move(link)).get();
  tasks_.spawn(run(*current_));
}

void LinkEndpoint::detach(std::uint64_t process) {
  if (current_ != nullptr && current_->process == process) {
    current_ = nullptr;
  }
  for (const std::unique_ptr<Link>& link : links_) {
    if (link->process == process) {
      link->scope.cancel();
    }
  }
}

Task<void> LinkEndpoint::run(Link& link) {
  const Error why = co_await link.client.run(link.scope);
  const std::uint64_t process = link.process;
  current_ = current_ == &link ? nullptr : current_;
  std::erase_if(links_, [&](const std::unique_ptr<Link>& held) { return held.get() == &link; });
  on_event_({LinkEvent::Kind::ended, process, why});
}

LinkEndpoint::Link* LinkEndpoint::find(const LinkClient& client) {
  const auto found =
      std::ranges::find_if(links_, [&](const auto& link) { return &link->client == &client; });
  return found == links_.end() ? nullptr : found->get();
}

void LinkEndpoint::link_ready(LinkClient& client) {
  if (const Link* link = find(client)) {
    on_event_({LinkEvent::Kind::ready, link->process, {}});
  }
}

void LinkEndpoint::link_draining(LinkClient& client) {
  if (const Link* link = find(client)) {
    on_event_({LinkEvent::Kind::draining, link->process, {}});
  }
}

UpstreamStreamPtr LinkEndpoint::try_open() {
  return current_ != nullptr ? current_->client.open() : nullptr;
}

Task<Result<UpstreamStreamPtr>> LinkEndpoint::open(CancelScope&, Instant) {
  // A link is there or it is not; waiting for one is the supervisor's business.
  const bool up = current_ != nullptr && current_->client.ready();
  co_return fail(up ? ErrorCode::overloaded : ErrorCode::unavailable,
                 up ? "link: every slot is taken" : "link: not up", ErrorOrigin::upstream);
}

Task<void> LinkEndpoint::close() {
  current_ = nullptr;
  scope_.cancel();
  co_await tasks_.join();
}

}  // namespace sk::lb
