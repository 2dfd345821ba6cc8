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
#include "net/io/cancel.h"
#include "net/io/loop.h"
#include "net/io/task.h"

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sk {

// An address that connect() takes: IPv4, IPv6 or a Unix socket.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  [[nodiscard]] const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage);
  }
  [[nodiscard]] int family() const { return storage.ss_family; }
  // "10.0.3.7", "::1" or the socket's path: without the port.
  [[nodiscard]] std::string host_text() const;
};

// Nothing where text is no IPv4 or IPv6 address (brackets around the latter are allowed).
[[nodiscard]] Result<SocketAddress> parse_address(std::string_view text, std::uint16_t port);
// Error too_large where the path exceeds the 107 bytes that the kernel allows.
[[nodiscard]] Result<SocketAddress> unix_address(std::string_view path);

struct ResolverConfig {
  std::string servers;          // "127.0.0.1:5353,[::1]:53"; empty: those of /etc/resolv.conf
  std::size_t lookups_max = 64; // at the same time; more are `overloaded`
  std::size_t addresses_max = 16;  // per name; more are left out
  std::chrono::milliseconds timeout{3000};  // of a whole lookup
};

class Resolver {
 public:
  explicit Resolver(Loop& loop, ResolverConfig config = {});
  ~Resolver();
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;

  // The addresses of the host, best first, at least one. Errors: unreachable (no such name, no
  // server answered), timeout, overloaded, malformed, or the scope's reason.
  Task<Result<std::vector<SocketAddress>>> resolve(CancelScope& scope, std::string host,
                                                   std::uint16_t port, Instant until = kNever);

  // Ends every lookup (cancelled) and waits until the kernel has let go of their sockets.
  Task<void> close();

  static constexpr std::chrono::seconds kReloadAfter{30};

 private:
  struct Inner;
  std::unique_ptr<Inner> inner_;
};

}  // namespace sk
