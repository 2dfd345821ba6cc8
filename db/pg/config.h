// Where PostgreSQL is and how hard to lean on it.
#pragma once

#include "net/core/time.h"

#include <chrono>
#include <cstddef>
#include <string>

namespace sk::pg {

struct Config {
  // A URL (postgresql://user:password@host:port/database?sslmode=verify-full) or "key=value ..." as
  // libpq reads them; what it leaves out comes from PGHOST, PGPORT, PGUSER, PGPASSWORD, PGDATABASE,
  // PGSSLMODE and libpq's other variables. Empty: everything from there.
  std::string url;

  // PEM file with the authorities of the server's certificate, unless the URL (sslrootcert) or
  // PGSSLROOTCERT names another. Where one is named and nobody chose an sslmode, a server that is
  // not on this host is verified in full, name and all.
  std::string tls_ca_file;

  std::size_t lanes = 2;             // shared connections per client, 1..16
  std::size_t in_flight_max = 64;    // statements sent and unanswered, per lane
  std::size_t queue_max = 256;       // statements waiting for a lane; more are `overloaded`
  std::size_t statements_max = 256;  // prepared statements kept per connection
  std::chrono::milliseconds connect_timeout{3000};  // name lookup, TCP, TLS and password together
  std::chrono::milliseconds statement_timeout{
      5000};                                   // longest wait; the server enforces it as well
  std::chrono::milliseconds backoff_min{100};  // between attempts to connect, jittered
  std::chrono::milliseconds backoff_max{2000};
  std::string application_name = "sidekick";  // seen in pg_stat_activity
};

}  // namespace sk::pg
