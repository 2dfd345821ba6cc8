// Where Redis is and how long to wait for it.
#pragma once

#include "net/core/result.h"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sk::redis {

struct Config {
  // redis://user:password@host:port/database, rediss:// for TLS, unix:///path for a Unix socket.
  // Percent-encoding is undone. Defaults: localhost, 6379, database 0, no password.
  std::string url = "redis://localhost:6379/0";

  std::string tls_ca_file;  // PEM; empty: the system's. The server's name is always checked.

  std::size_t in_flight_max = 1024;           // commands sent and unanswered
  std::size_t request_bytes_max = 8U << 20;   // of those, together
  std::size_t reply_bytes_max = 64U << 20;    // of one reply; the connection is closed beyond
  std::size_t reply_elements_max = 1U << 20;  // of one array in a reply
  std::chrono::milliseconds connect_timeout{1000};
  std::chrono::milliseconds command_timeout{100};  // longest wait of a command
  std::chrono::milliseconds silence_max{2000};     // unanswered for so long: the peer is dead
  std::chrono::milliseconds backoff_min{100};      // between attempts to connect, jittered
  std::chrono::milliseconds backoff_max{2000};
  std::string client_name = "sidekick";  // seen in CLIENT LIST
};

// The parts of Config::url.
struct Address {
  bool tls = false;
  std::string socket_path;  // not empty: a Unix socket
  std::string host;
  std::uint16_t port = 6379;
  std::string user;
  std::string password;
  std::uint32_t database = 0;
};

// Error.detail names what is wrong with the URL.
[[nodiscard]] sk::Result<Address> parse_url(std::string_view url);

}  // namespace sk::redis
