#include "net/io/resolver.h"

#include "net/core/assert.h"
#include "net/io/event.h"
#include "net/io/operation.h"
#include "net/io/task_group.h"

#include <ares.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

namespace sk {
namespace {

// Each server is asked twice, a second at first; c-ares lengthens and spreads the second try.
constexpr int kTryTimeoutMs = 1000;
constexpr int kTries = 2;

Error error_of(int status) {
  const auto as = [](ErrorCode code, const char* detail) {
    return Error{code, ErrorOrigin::upstream, 0, detail};
  };
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
      return as(ErrorCode::unreachable, "no such host name");
    case ARES_ETIMEOUT:
      return as(ErrorCode::timeout, "no DNS server answered in time");
    case ARES_ECONNREFUSED:
    case ARES_ENOSERVER:
      return as(ErrorCode::unreachable, "no DNS server can be reached");
    case ARES_ESERVFAIL:
    case ARES_EREFUSED:
    case ARES_ENOTIMP:
      return as(ErrorCode::unreachable, "the DNS server could not answer");
    case ARES_EBADNAME:
    case ARES_EBADSTR:
      return as(ErrorCode::malformed, "not a host name");
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION:
      return as(ErrorCode::cancelled, "the resolver was closed");
    default:
      return as(ErrorCode::unreachable, "the host name could not be resolved");
  }
}

Address address_of(const ares_addrinfo_node& node, std::uint16_t port) {
  Address address = Address::from(node.ai_addr, node.ai_addrlen);
  address.set_port(port);
  return address;
}

// Nothing where the host is a name that has to be looked up.
Result<Address> literal(std::string_view host, std::uint16_t port) {
  const bool bare_ip6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  std::string text = bare_ip6 ? "[" + std::string(host) + "]" : std::string(host);
  text += ":" + std::to_string(port);
  Result<Address> address = Address::parse(text);
  if (address && !address->is_ip()) {
    return fail(ErrorCode::malformed, "not a host");
  }
  return address;
}

}  // namespace

// c-ares makes and closes its own sockets, and says which of them it wants watched. The loop must
// never see a descriptor that c-ares has closed, so each is watched through a duplicate of our own.
// A Watch belongs to its coroutine; watches_ finds it by c-ares' descriptor until c-ares lets go.
struct Resolver::Inner {
  struct Watch {
    int ares_fd;
    int own_fd;
    short mask = 0;
    bool ended = false;
    Poll* poll = nullptr;  // in flight
  };

  // Lives until both sides are done with it: the waiter may leave, c-ares answers always.
  struct Lookup {
    Lookup(Loop& loop, Inner& owner, std::uint16_t the_port)
        : done(loop), inner(&owner), port(the_port) {}
    Event done;
    Inner* inner;
    std::uint16_t port;
    bool waited_for = true;
    Result<std::vector<Address>> outcome;
  };

  struct Timer : TimerNode {
    explicit Timer(Inner& owner) : TimerNode(fired), inner(owner) {}
    ~Timer() = default;
    static void fired(TimerNode& node) { static_cast<Timer&>(node).inner.process_timeouts(); }
    Inner& inner;
  };

  Inner(Loop& the_loop, ResolverConfig the_config)
      : loop(the_loop), config(std::move(the_config)), scope(loop), group(loop), timer(*this) {}
  ~Inner() {
    SK_ASSERT(channel == nullptr);
    loop.timers().disarm(timer);
  }

  bool open_channel();
  void close_channel();
  void rearm_timer();
  void process_timeouts();
  void socket_changed(int fd, bool readable, bool writable);
  Task<void> watch(std::unique_ptr<Watch> own);
  static void answered(void* lookup, int status, int timeouts, ares_addrinfo* answer);

  Loop& loop;
  ResolverConfig config;
  CancelScope scope;
  TaskGroup group;
  Timer timer;
  ares_channel_t* channel = nullptr;
  Instant opened_at;
  bool closed = false;
  std::size_t lookups = 0;
  std::map<int, Watch*> watches;
};

bool Resolver::Inner::open_channel() {
  if (channel != nullptr && lookups == 0 && loop.now() - opened_at > kReloadAfter) {
    close_channel();
  }
  if (channel != nullptr) {
    return true;
  }
  ares_options options{};
  options.timeout = kTryTimeoutMs;
  options.tries = kTries;
  options.qcache_max_ttl = 0;
  options.sock_state_cb_data = this;
  options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Inner*>(self)->socket_changed(fd, readable != 0, writable != 0);
  };
  constexpr int kMask =
      ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_QUERY_CACHE | ARES_OPT_SOCK_STATE_CB;
  if (ares_init_options(&channel, &options, kMask) != ARES_SUCCESS) {
    channel = nullptr;
    return false;
  }
  if (!config.servers.empty() &&
      ares_set_servers_ports_csv(channel, config.servers.c_str()) != ARES_SUCCESS) {
    close_channel();
    return false;
  }
  opened_at = loop.now();
  return true;
}

void Resolver::Inner::close_channel() {
  if (channel != nullptr) {
    ares_destroy(std::exchange(channel, nullptr));
  }
  loop.timers().disarm(timer);
}

void Resolver::Inner::rearm_timer() {
  timeval left{};
  if (channel == nullptr || ares_timeout(channel, nullptr, &left) == nullptr) {
    loop.timers().disarm(timer);
    return;
  }
  const Duration wait = std::chrono::seconds(left.tv_sec) + std::chrono::microseconds(left.tv_usec);
  loop.timers().arm(timer, after(loop.read_clock(), wait));
}

void Resolver::Inner::process_timeouts() {
  if (channel != nullptr) {
    ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    rearm_timer();
  }
}

void Resolver::Inner::socket_changed(int fd, bool readable, bool writable) {
  const auto known = watches.find(fd);
  const auto mask = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  if (known == watches.end()) {
    const int own_fd = mask == 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
    if (own_fd >= 0) {  // out of descriptors: the lookup ends by its timeout
      auto own = std::make_unique<Watch>(Watch{.ares_fd = fd, .own_fd = own_fd, .mask = mask});
      watches.emplace(fd, own.get());
      group.spawn(watch(std::move(own)));
    }
    return;
  }
  Watch& watch = *known->second;
  if (mask == 0) {
    watch.ended = true;
    watches.erase(known);
  } else if (mask == watch.mask) {
    return;
  }
  watch.mask = mask;
  if (watch.poll != nullptr) {
    watch.poll->stop(ErrorCode::cancelled);
  }
}

Task<void> Resolver::Inner::watch(std::unique_ptr<Watch> own) {
  while (!own->ended) {
    Poll poll(scope, own->own_fd, own->mask);
    own->poll = &poll;
    const Result<short> ready = co_await poll;
    own->poll = nullptr;
    if (own->ended || channel == nullptr) {
      break;
    }
    if (ready) {
      const bool broken = (*ready & (POLLERR | POLLHUP)) != 0;
      const bool readable = broken || (*ready & POLLIN) != 0;
      const bool writable = (*ready & POLLOUT) != 0;
      ares_process_fd(channel, readable ? own->ares_fd : ARES_SOCKET_BAD,
                      writable ? own->ares_fd : ARES_SOCKET_BAD);
      rearm_timer();
    } else if (scope.cancelled() || ready.error().code != ErrorCode::cancelled) {
      break;  // otherwise socket_changed() asked for another mask
    }
  }
  if (!own->ended) {
    watches.erase(own->ares_fd);
  }
  loop.close(own->own_fd);
}

void Resolver::Inner::answered(void* context, int status, int /*timeouts*/, ares_addrinfo* answer) {
  auto* lookup = static_cast<Lookup*>(context);
  --lookup->inner->lookups;
  if (status == ARES_SUCCESS && answer != nullptr) {
    std::vector<Address> addresses;
    for (const ares_addrinfo_node* node = answer->nodes;
         node != nullptr && addresses.size() < lookup->inner->config.addresses_max;
         node = node->ai_next) {
      if (node->ai_family == AF_INET || node->ai_family == AF_INET6) {
        addresses.push_back(address_of(*node, lookup->port));
      }
    }
    if (addresses.empty()) {
      lookup->outcome = std::unexpected(error_of(ARES_ENODATA));
    } else {
      lookup->outcome = std::move(addresses);
    }
  } else {
    lookup->outcome = std::unexpected(error_of(status));
  }
  ares_freeaddrinfo(answer);
  if (lookup->waited_for) {
    lookup->done.set();
    lookup->inner = nullptr;
  } else {
    delete lookup;
  }
}

Resolver::Resolver(Loop& loop, ResolverConfig config)
    : inner_(std::make_unique<Inner>(loop, std::move(config))) {
  static const int kInitialised = ares_library_init(ARES_LIB_INIT_ALL);
  static_cast<void>(kInitialised);
}

Resolver::~Resolver() = default;

Task<Result<std::vector<Address>>> Resolver::resolve(CancelScope& scope, std::string host,
                                                     std::uint16_t port, Instant until) {
  Inner& inner = *inner_;
  if (host.empty() || host.find('\0') != std::string::npos) {
    co_return fail(ErrorCode::malformed, "not a host name", ErrorOrigin::config);
  }
  if (Result<Address> address = literal(host, port)) {
    co_return std::vector<Address>(1, *address);
  }
  if (inner.closed) {
    co_return fail(ErrorCode::cancelled, "the resolver was closed");
  }
  if (inner.lookups >= inner.config.lookups_max) {
    co_return fail(ErrorCode::overloaded, "too many host names are being resolved");
  }
  if (!inner.open_channel()) {
    co_return fail(ErrorCode::internal, "c-ares cannot start; check ResolverConfig::servers",
                   ErrorOrigin::config);
  }
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  auto lookup = std::make_unique<Inner::Lookup>(inner.loop, inner, port);
  ++inner.lookups;
  ares_getaddrinfo(inner.channel, host.c_str(), nullptr, &hints, Inner::answered, lookup.get());
  inner.rearm_timer();

  const Instant latest = std::min(until, after(inner.loop.now(), inner.config.timeout));
  const Result<void> waited = co_await lookup->done.wait(scope, latest);
  // The resolver may be gone by now; the lookup is not.
  if (lookup->inner == nullptr) {
    co_return std::move(lookup->outcome);
  }
  lookup->waited_for = false;
  lookup.release();  // freed when c-ares answers
  co_return fail(waited.error().code, "resolving a host name");
}

Task<void> Resolver::close() {
  Inner& inner = *inner_;
  inner.closed = true;
  inner.close_channel();
  inner.scope.cancel();
  co_await inner.group.join();
}

}  // namespace sk
