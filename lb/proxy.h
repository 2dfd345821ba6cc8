// Proxy: what happens to a request after it was parsed: route, limits, endpoint, forward, retry.
//
// One per data thread, behind all its listeners. It owns the policy; bytes are moved by the
// exchange, the stream and pump(). Every request gets an answer: the endpoint's, or one of
// own_answer.h.
#pragma once

#include "net/http/exchange.h"
#include "net/http/upstream_stream.h"

#include "lb/access_log.h"
#include "lb/budget.h"
#include "lb/own_response.h"
#include "lb/request_record.h"
#include "lb/retry.h"
#include "lb/thread_context.h"
#include "lb/upload.h"
#include "lb/upstream_client.h"

#include <optional>

namespace sk::lb {

class Proxy {
 public:
  explicit Proxy(ThreadContext& context);

  // Answers the exchange. The caller has called begin().
  Task<void> serve(Exchange& exchange, const ListenerConfig& listener);
  // Sends a health probe on to a worker, and answers it as the worker does; 200 where the worker
  // knows no such path.
  Task<void> forward_probe(Exchange& exchange, std::uint32_t upstream);

  // First and last word about every exchange: takes and returns its record, logs, counts.
  void begin(Exchange& exchange, const ListenerConfig& listener);
  void completed(Exchange& exchange);
  void rejected(const Rejection& rejection);

  // A health probe or an admin request: neither logged nor counted.
  void mark_probe(Exchange& exchange);
  // A request that is answered here without a route: counted and logged like any other.
  void count_local(Exchange& exchange);
  void redirect(Exchange& exchange, std::string_view location);
  // Answers by ourselves.
  void refuse(Exchange& exchange, OwnAnswer answer, std::string_view detail = {});

 private:
  // What the attempts of a request have in common.
  struct Job {
    Exchange& exchange;
    RequestRecord& record;
    UpstreamClient& upstream;
    const RouteConfig& route;
    Upload upload;
    const Endpoint* except = nullptr;
    bool fresh_connection = false;
  };

  Task<void> forward(Exchange& exchange, RequestRecord& record, UpstreamClient& upstream,
                     const RouteConfig& route);
  // One attempt, from picking an endpoint to the end of the answer. Error: why there was no answer;
  // the failed attempt's facts are then in `failed`.
  Task<Result<void>> attempt(Job& job, FailedAttempt& failed);
  Task<Result<void>> converse(Job& job, UpstreamStream& stream, FailedAttempt& failed);
  // The final head, or 101; informational ones are passed on.
  Task<Result<ResponseHead*>> final_head(Job& job, UpstreamStream& stream);
  Task<void> respond(Job& job, UpstreamStream& stream, ResponseHead& head);
  Task<void> tunnel(Job& job, UpstreamStream& stream, const ResponseHead& head);
  void give_up(Job& job, const FailedAttempt& failed);
  // What a 504 says about the deadline of this request, which has passed.
  Expiry expiry_of(const Job& job);
  // Asks what the worker knows about the time, while the stream is there.
  void ask_worker(Job& job, UpstreamStream& stream);
  // Where the time of a request went, up to now.
  StageTimes stages_of(Exchange& exchange, const RequestRecord& record, Instant now);
  void refuse(Exchange& exchange, OwnAnswer answer, ProblemDetails details);
  OwnAnswer why_no_endpoint(const Upstream& upstream) const;

  ThreadContext& context_;
  AccessLog access_log_;
  RequestRecords records_;
  RouteConfig probe_route_;
};

}  // namespace sk::lb
