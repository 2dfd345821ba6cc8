// Address: where a socket listens or connects to; PeerName: an address as text for logs and
// headers.
//
// Addresses are numeric (IPv4, IPv6) or Unix socket paths; names of hosts are the resolver's.
// Written as "127.0.0.1:80", "[::]:443", "[fe80::1%eth0]:80", "unix:/run/app.sock" and, for a name
// in Linux's abstract namespace, "unix:@app".
#pragma once

#include "net/core/result.h"

#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sk {

class Address {
 public:
  Address() = default;  // none: family() is AF_UNSPEC

  // An Error's origin is config and its detail says what was expected; the caller names the text.
  [[nodiscard]] static Result<Address> parse(std::string_view text);
  // Copies what the kernel or the resolver has filled in.
  [[nodiscard]] static Address from(const sockaddr* address, socklen_t size);
  // The two ends of a connected or bound socket; an empty Address if the kernel does not know it.
  [[nodiscard]] static Address local_of(int fd);
  [[nodiscard]] static Address peer_of(int fd);

  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  [[nodiscard]] socklen_t size() const { return size_; }
  [[nodiscard]] int family() const { return storage_.ss_family; }
  [[nodiscard]] bool empty() const { return family() == AF_UNSPEC; }
  [[nodiscard]] bool is_ip() const { return family() == AF_INET || family() == AF_INET6; }
  [[nodiscard]] bool is_unix() const { return family() == AF_UNIX; }

  // 0 for a Unix socket.
  [[nodiscard]] std::uint16_t port() const;
  // Only for an IP address.
  void set_port(std::uint16_t port);
  // The path of a Unix socket in the file system; empty for others and for abstract names. The
  // bytes are this object's.
  [[nodiscard]] std::string_view unix_path() const;

  // The form that parse() reads; "-" for none. An IPv4 address that came in over an IPv6 socket is
  // written as IPv4.
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Address& a, const Address& b);

 private:
  friend struct PeerName;

  sockaddr_storage storage_{};
  socklen_t size_ = 0;
};

// The peer of a connection, made once when it is accepted; no allocation.
struct PeerName {
  PeerName() = default;
  explicit PeerName(const Address& address);

  // "203.0.113.7", "2001:db8::1"; "unix" for a Unix socket, "" for none.
  [[nodiscard]] std::string_view ip() const { return {text.data(), length}; }

  std::array<char, 63> text{};
  std::uint8_t length = 0;
  std::uint16_t port = 0;
};

}  // namespace sk
