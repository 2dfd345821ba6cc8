// Job: one request on its way through the generator, and how it ended.
#pragma once

#include "net/core/time.h"

#include <cstdint>

namespace sk::bench {

struct Job {
  std::uint32_t request = 0;  // index into the scenario's requests
  std::uint64_t sequence =
      0;                    // number within the run: what the request's parameters are drawn from
  Instant due;              // when it was meant to be sent: latency counts from here
  Instant dispatched;       // when the generator got to it
  Instant sent;             // when its bytes were handed to a connection
  bool held_by_us = false;  // waited because every connection we may open was busy
  bool repeated = false;    // its first connection had been closed by the peer while idle

  // How late the generator itself was. Waiting for the target to accept a new connection is the
  // target's time; waiting because our bound of connections is reached is ours.
  [[nodiscard]] Duration lag() const { return (held_by_us ? sent : dispatched) - due; }
};

enum class Ending : std::uint8_t {
  answered,     // a complete HTTP answer came, whatever it says
  unreachable,  // no connection: refused, no route, no descriptor left
  handshake,    // a connection, but TLS was not agreed upon
  broken,       // the connection ended before the answer was complete
  malformed,    // the answer is not HTTP
  timed_out,
};

}  // namespace sk::bench
