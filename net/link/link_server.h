// LinkServer: the worker's end of one link; REQUEST frames become Exchanges for a handler.
//
// A request enters the handler only after its slot's word was swapped to "started"; one that was
// revoked meanwhile is refused. Handlers run on the link's loop, one task per open slot, so their
// number is bounded by the balancer's slots.
#pragma once

#include "net/http/exchange.h"
#include "net/io/task_group.h"
#include "net/link/link_connection.h"
#include "net/link/page.h"

#include <memory>
#include <string>
#include <vector>

namespace sk {

struct LinkServerConfig {
  std::uint64_t boot_id = 0;                // of this worker process
  std::vector<std::string> route_patterns;  // index = Exchange::route_index
};

class LinkServer final : private LinkConnection {
 public:
  LinkServer(Loop& loop, int fd, LinkPage page, const LinkLimits& limits, LinkServerConfig config,
             ExchangeHandler& handler);
  ~LinkServer();

  // Serves until the link ends or the scope is cancelled, then cancels the exchanges that are open
  // and returns when their handlers have.
  [[nodiscard]] Task<Error> run(CancelScope& scope);

  // Asks the balancer to open no new streams; what is open goes on.
  void drain();
  [[nodiscard]] std::size_t open_exchanges() const { return open_; }
  // Everything answered has been handed to the kernel.
  [[nodiscard]] bool flushed() const;

 private:
  class LinkExchange;

  Result<void> on_hello(const Hello& hello) override;
  Result<void> on_stream_frame(const FrameHeader& frame, std::string_view payload) override;
  Result<void> on_stream_body(StreamId stream, Slice piece, bool last) override;
  void on_drain() override {}  // nothing to do: the balancer opens no streams by itself
  void direction_ended(StreamId stream) override;

  [[nodiscard]] Result<void> on_request(const FrameHeader& frame, std::string_view payload);
  [[nodiscard]] Result<void> on_answer_frame(const FrameHeader& frame, std::string_view payload);
  // The exchange of that stream; null if it is over already (its frames crossed the end); an error
  // where the balancer names a stream that never was.
  [[nodiscard]] Result<LinkExchange*> find(StreamId stream);
  [[nodiscard]] Task<void> serve(LinkExchange& exchange);
  void free_if_over(LinkExchange& exchange);

  LinkPage page_;
  LinkServerConfig config_;
  ExchangeHandler& handler_;
  std::vector<std::unique_ptr<LinkExchange>> exchanges_;  // by slot
  std::unique_ptr<CancelScope> scope_;                    // parent of every exchange's scope
  TaskGroup handlers_;
  std::size_t open_ = 0;
};

}  // namespace sk
