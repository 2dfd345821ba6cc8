// H1ClientConnection: one connection to an HTTP/1.1 endpoint, one request in flight at a time.
//
// Whoever owns it (a connection pool) opens a stream for each request and is told when the stream
// has been released; then reusable() says whether the connection may serve another request. It may
// only if the response ended exactly at its framing, the whole request was sent, both sides keep
// the connection alive and not one byte more has arrived: a surplus byte would be the next client's
// response. Otherwise it must be closed.
//
// Errors have origin upstream: closed (before the first byte of a response, or truncated), reset,
// malformed (broken framing or syntax, an upgrade nobody asked for), too_large (head limits).
#pragma once

#include "net/http/limits.h"
#include "net/http/upstream_stream.h"
#include "net/io/transport.h"

#include <cstdint>
#include <memory>
#include <string>

namespace sk {

struct H1ClientConfig {
  H1Limits limits;
  std::uint32_t interim_responses_max = 16;    // 1xx before the final head; beyond it malformed
  std::uint32_t output_buffer_bytes = 262144;  // unsent request bytes above which writers wait
};

class H1ClientConnection;

class H1ClientOwner {
 public:
  // The stream opened last is gone. Called from UpstreamStreamPtr's destruction: pool or schedule
  // close(), but do not destroy the connection inside this call.
  virtual void stream_released(H1ClientConnection& connection) = 0;

 protected:
  ~H1ClientOwner() = default;
};

class H1ClientStream;

class H1ClientConnection {
 public:
  // transport: connected, not started. authority: the Host sent for requests that have none.
  // config and owner must outlive the connection.
  H1ClientConnection(std::unique_ptr<Transport> transport, const H1ClientConfig& config,
                     std::string authority, H1ClientOwner& owner);
  ~H1ClientConnection();  // close() must have been awaited
  H1ClientConnection(const H1ClientConnection&) = delete;
  H1ClientConnection& operator=(const H1ClientConnection&) = delete;

  // Only while reusable(). The connection must outlive the stream.
  [[nodiscard]] UpstreamStreamPtr open_stream();

  // No stream is open and the next request may be sent. Also says no when the endpoint has closed
  // the idle connection or sent something unasked.
  [[nodiscard]] bool reusable() const;

  // Requests sent so far: 0 means fresh.
  [[nodiscard]] std::uint64_t requests() const { return requests_; }

  // Must not be called while a stream is open.
  [[nodiscard]] Task<void> close();

  [[nodiscard]] Transport& transport() { return *transport_; }

 private:
  friend class H1ClientStream;

  std::unique_ptr<Transport> transport_;
  const H1ClientConfig& config_;
  std::string authority_;
  H1ClientOwner& owner_;
  std::unique_ptr<H1ClientStream> stream_;
  std::uint64_t requests_ = 0;
};

}  // namespace sk
