// ConnectionSettings: libpq's parameters, put together from Config and the environment once, so
// that host names can be resolved by our own resolver before each attempt.
#pragma once

#include "db/pg/config.h"
#include "db/pg/error.h"

#include <string>
#include <utility>
#include <vector>

namespace sk::pg {

struct Host {
  std::string name;     // host name, address, or the directory of a Unix socket; empty: libpq's own
  std::string address;  // given as hostaddr: nothing to resolve
  std::string port;

  // True where name has to be resolved.
  [[nodiscard]] bool needs_lookup() const;
  // True where the way there leaves this host, as far as one can see.
  [[nodiscard]] bool is_elsewhere() const;
};

struct ConnectionSettings {
  std::vector<Host> hosts;                                   // tried in this order, at least one
  std::vector<std::pair<std::string, std::string>> options;  // everything else

  std::string needed_ca_file;  // without which no connection can be made; empty: there is none

  // For messages: "host:port", of the first host; never the password.
  [[nodiscard]] std::string place() const;
};

// Error: rejected, with what libpq dislikes about the URL; or this libpq is too old.
[[nodiscard]] Result<ConnectionSettings> make_settings(const Config& config);

}  // namespace sk::pg
