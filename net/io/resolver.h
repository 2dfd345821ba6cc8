// Resolver turns host names into addresses without ever blocking its loop.
//
// Addresses written as text are answered at once; /etc/hosts and DNS are asked by c-ares, whose
// sockets are watched by the loop. Nothing is cached: whoever connects anew wants the addresses of
// now. /etc/resolv.conf is read again when it is older than kReloadAfter and nobody waits.
//
// Belongs to one loop and must outlive its waiters; await close() before it is destroyed.
#pragma once

#include "net/core/result.h"
#include "net/core/time.h"
#include "net/io/address.h"
#include "net/io/cancel.h"
#include "net/io/loop.h"
#include "net/io/task.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace sk {

struct ResolverConfig {
  std::string servers{};           // "127.0.0.1:5353,[::1]:53"; empty: those of /etc/resolv.conf
  std::size_t lookups_max = 64;    // at the same time; more are `overloaded`
  std::size_t addresses_max = 16;  // per name; more are left out
  std::chrono::milliseconds timeout{3000};  // of a whole lookup
};

class Resolver {
 public:
  explicit Resolver(Loop& loop, ResolverConfig config = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of the host (a name, or an address as text, with or without brackets), best
  // first, at least one, with that port. Errors: unreachable (no such name, no server answered),
  // timeout, overloaded, malformed, or the scope's reason.
  Task<Result<std::vector<Address>>> resolve(CancelScope& scope, std::string host,
                                             std::uint16_t port, Instant until = kNever);

  // Ends every lookup (cancelled) and waits until the kernel has let go of their sockets.
  Task<void> close();

  static constexpr std::chrono::seconds kReloadAfter{30};

 private:
  struct Inner;
  std::unique_ptr<Inner> inner_;
};

}  // namespace sk
