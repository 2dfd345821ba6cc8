#pragma once

#include "bench/load/histogram.h"

#include <cstdint>

namespace sk::bench {

// What went wrong, by kind. Every kind counts one request (or one connection attempt) each.
struct ErrorCounts {
  std::uint64_t connect = 0;     // refused, or the handshake failed
  std::uint64_t status = 0;      // not "HTTP/1.1 200"
  std::uint64_t framing = 0;     // no single valid Content-Length, or a head too large
  std::uint64_t body = 0;        // another length or other bytes than expected
  std::uint64_t closed = 0;      // closed or reset while a request was unanswered
  std::uint64_t timeout = 0;     // no answer in time
  std::uint64_t unasked = 0;     // bytes that no request asked for
  std::uint64_t dropped = 0;     // open loop: due, but the bounded backlog was full
  std::uint64_t unanswered = 0;  // still open when the run ended

  std::uint64_t total() const {
    return connect + status + framing + body + closed + timeout + unasked + dropped + unanswered;
  }
};

// The books of a run. Only good answers of the measured window enter `latency`; errors are counted
// from the first connection to the last.
struct Tally {
  LatencyHistogram latency;
  ErrorCounts errors;
  std::uint64_t good_total = 0;   // good answers including warm-up and drain
  std::uint64_t reconnects = 0;   // connections opened again
  std::uint64_t backlog_max = 0;  // open loop: most requests that were due but had no connection
};

}  // namespace sk::bench
