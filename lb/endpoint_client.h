// EndpointClient: how one data thread opens streams to one endpoint.
//
// Two kinds: LinkEndpoint (a worker, by the link) and ConnectionPool (HTTP/1.1 over TCP or a Unix
// socket). The proxy knows only this. Belongs to one loop; close() must be awaited before
// destruction, after the last stream was released.
#pragma once

#include "net/core/result.h"
#include "net/http/upstream_stream.h"
#include "net/io/cancel.h"
#include "net/io/task.h"

namespace sk::lb {

class EndpointClient {
 public:
  virtual ~EndpointClient() = default;

  // A stream that is there at once: over the link, or on a connection that was used before. Null
  // where there is none.
  [[nodiscard]] virtual UpstreamStreamPtr try_open() = 0;

  // A stream on a new connection. Nothing of a request has left yet when this fails. Errors:
  // refused, unreachable, timeout (`until`), overloaded, unavailable (link not up), the scope's.
  [[nodiscard]] virtual Task<Result<UpstreamStreamPtr>> open(CancelScope& scope, Instant until) = 0;

  // True where a stream counts itself in the endpoint until its slot is free again.
  [[nodiscard]] virtual bool counts_streams() const = 0;
  // True where a stream of try_open() may turn out to be stale, so that the same endpoint deserves
  // a second attempt on a new connection.
  [[nodiscard]] virtual bool reuses_connections() const = 0;

  [[nodiscard]] virtual Task<void> close() = 0;
};

}  // namespace sk::lb
