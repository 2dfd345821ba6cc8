// Addresses and networks as the configuration writes them.
//
//   "0.0.0.0:80"  "[::]:443"  "10.0.3.7:8080"      an IP address and a port
//   "unix:/run/app.sock"                           a Unix socket
//   "dns://legacy.internal:8080"                   a name, looked up again while running
#pragma once

#include "net/core/result.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sk::lb {

struct ConfigAddress {
  enum class Kind : std::uint8_t { ip, unix_path, dns };

  Kind kind = Kind::ip;
  std::string host;  // "10.0.3.7", "::1" (no brackets), "legacy.internal", or the socket's path
  std::uint16_t port = 0;  // 0 for Unix sockets

  friend bool operator==(const ConfigAddress&, const ConfigAddress&) = default;
};

// The canonical form, as in the file.
std::string to_string(const ConfigAddress& address);

// Error detail: static text that says what is wrong. Port 0 is refused.
Result<ConfigAddress> parse_config_address(std::string_view text);

// 127.0.0.0/8, ::1, or a Unix socket.
bool is_local(const ConfigAddress& address);

// "10.0.0.0/16", "2001:db8::/32", or one address without a length. IPv4 is held in its mapped form.
struct Network {
  std::array<std::uint8_t, 16> bytes{};
  std::uint8_t prefix_bits = 128;

  // address: 16 bytes in network order, IPv4 mapped (::ffff:a.b.c.d).
  bool contains(const std::array<std::uint8_t, 16>& address) const;

  friend bool operator==(const Network&, const Network&) = default;
};

std::string to_string(const Network& network);
Result<Network> parse_network(std::string_view text);

// An IP address in text, mapped to 16 bytes.
Result<std::array<std::uint8_t, 16>> parse_ip(std::string_view text);

}  // namespace sk::lb
