// ConnectionPool keeps idle HTTP/1.1 connections to one endpoint for reuse, on one loop.
//
// The connection used last is used first, so that surplus ones grow old and are closed: by us,
// before the endpoint's own keep-alive timeout could race with a request. A connection is in
// exactly one place: in idle_, under an open stream (counted in streams_), or closing. The pool
// never retries and never picks an endpoint.
#pragma once

#include "net/http/h1_client.h"
#include "net/io/address.h"
#include "net/io/event.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"

#include "lb/config.h"
#include "lb/endpoint_client.h"
#include "lb/metrics.h"

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sk::lb {

class ConnectionPool final : public EndpointClient, private H1ClientOwner {
 public:
  // All references outlive the pool. authority: the Host of requests that have none.
  ConnectionPool(Loop& loop, Resolver& resolver, ThreadMetrics& metrics,
                 const UpstreamConfig& config, ConfigAddress address);
  ~ConnectionPool() override;

  UpstreamStreamPtr try_open() override;
  Task<Result<UpstreamStreamPtr>> open(CancelScope& scope, Instant until) override;
  bool counts_streams() const override { return false; }
  bool reuses_connections() const override { return true; }
  Task<void> close() override;

  std::size_t idle() const { return idle_.size(); }
  // Closes all idle connections: the process behind the address is another one now.
  void forget_idle();

 private:
  struct Idle {
    std::unique_ptr<H1ClientConnection> connection;
    Instant since;
  };

  void stream_released(H1ClientConnection& connection) override;
  Task<Result<int>> connect(CancelScope& scope, Instant until);
  void retire(std::unique_ptr<H1ClientConnection> connection);
  Task<void> close_one(std::unique_ptr<H1ClientConnection> connection);
  // Closes what has been idle for too long, for as long as the pool lives.
  Task<void> sweep();

  Loop& loop_;
  Resolver& resolver_;
  ThreadMetrics& metrics_;
  const UpstreamConfig& config_;
  const ConfigAddress address_;
  std::optional<Address> numeric_;  // where no name has to be looked up
  std::string authority_;
  H1ClientConfig client_config_;

  std::deque<Idle> idle_;  // oldest first
  std::size_t streams_ = 0;
  bool closing_ = false;
  CancelScope scope_;          // of the sweeper
  CancelScope closing_scope_;  // of connections that close; never cancelled
  Event changed_;              // an idle connection came, or the last stream went
  TaskGroup tasks_;
};

}  // namespace sk::lb
