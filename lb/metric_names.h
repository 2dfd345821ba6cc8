// Every metric family of the balancer, in one table.
#pragma once

#include "lb/prometheus_text.h"

namespace sk::lb::metric {

using Family = PrometheusText::Family;

inline constexpr Family kBuildInfo = {"sidekick_build_info", "gauge",
                                      "Always 1; the labels say what runs."};
inline constexpr Family kReady = {"sidekick_ready", "gauge", "1 while /healthz answers 200."};
inline constexpr Family kRequests = {"sidekick_requests_total", "counter",
                                     "Requests that ended, by route and class of the answer."};
inline constexpr Family kDuration = {"sidekick_request_duration_seconds", "histogram",
                                     "From the request's head to the last byte of its answer."};
inline constexpr Family kUpstreamDuration = {
    "sidekick_upstream_header_seconds", "histogram",
    "From choosing an endpoint to the head of its answer."};
inline constexpr Family kBudgetRequests = {
    "sidekick_budget_requests_total", "counter",
    "Requests of routes with a budget that were answered, or given up at the deadline."};
inline constexpr Family kBudgetOver = {
    "sidekick_budget_over_total", "counter",
    "Requests that took longer than a limit of their route's budget, by limit."};
inline constexpr Family kBudgetTopStage = {
    "sidekick_budget_top_stage_total", "counter",
    "Requests over a limit of their route's budget, by the stage that took the most."};
inline constexpr Family kBudgetStage = {"sidekick_budget_stage_seconds_total", "counter",
                                        "Time that requests of routes with a budget spent in each "
                                        "stage."};
inline constexpr Family kBudgetLimit = {"sidekick_budget_limit_seconds", "gauge",
                                        "The budget itself, by route and limit."};
inline constexpr Family kResponseBytes = {"sidekick_response_body_bytes_total", "counter",
                                          "Bytes of answer bodies accepted for clients."};
inline constexpr Family kOwnAnswers = {"sidekick_own_answers_total", "counter",
                                       "Answers the balancer gave by itself, by reason."};
inline constexpr Family kRejected = {
    "sidekick_rejected_total", "counter",
    "Requests refused before they had a route, by status; 0: closed without an answer."};
inline constexpr Family kRetries = {"sidekick_retries_total", "counter",
                                    "Further attempts after a failed one."};
inline constexpr Family kConnections = {"sidekick_connections_total", "counter",
                                        "Client connections accepted."};
inline constexpr Family kConnectionsOpen = {"sidekick_connections", "gauge",
                                            "Client connections open now."};
inline constexpr Family kHandshakes = {"sidekick_tls_handshakes_total", "counter",
                                       "TLS handshakes, by outcome."};
inline constexpr Family kUpstreamConnects = {
    "sidekick_upstream_connections_total", "counter",
    "Connections to endpoints: opened, and reused for another request."};
inline constexpr Family kEndpointInFlight = {"sidekick_endpoint_in_flight", "gauge",
                                             "Requests at an endpoint, by upstream and endpoint."};
inline constexpr Family kEndpointUp = {"sidekick_endpoint_up", "gauge",
                                       "1 while the endpoint may be used."};
inline constexpr Family kEndpointFailures = {
    "sidekick_endpoint_failures_total", "counter",
    "Times an endpoint could not be reached or broke off before it answered."};
inline constexpr Family kWorkerStarts = {"sidekick_worker_starts_total", "counter",
                                         "Worker processes started, by upstream."};
inline constexpr Family kLogDropped = {"sidekick_log_lines_dropped_total", "counter",
                                       "Log lines lost because our output was not read."};
inline constexpr Family kUnexpected = {"sidekick_unexpected_total", "counter",
                                       "Surprises survived; each is a bug worth a report."};

}  // namespace sk::lb::metric
