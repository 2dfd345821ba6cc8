#include "lb/listener_handler.h"

#include "lb/own_response.h"

namespace sk::lb {
namespace {

bool may_probe(const Exchange& exchange) {
  return exchange.request.method == Method::get || exchange.request.method == Method::head;
}

}  // namespace

Task<void> ListenerHandler::handle(Exchange& exchange) {
  proxy_.begin(exchange, listener_);
  if (context_.state.draining.load(std::memory_order_relaxed)) {
    exchange.close_after();
  }
  if (!listener_.tls && may_probe(exchange)) {
    if (const std::optional<Probe> probe = probe_of(exchange.request.path)) {
      return answer_probe(exchange, *probe);
    }
  }
  if (listener_.redirect_https != 0) {
    return redirect(exchange);
  }
  return proxy_.serve(exchange, listener_);
}

Task<void> ListenerHandler::answer_probe(Exchange& exchange, Probe probe) {
  proxy_.mark_probe(exchange);
  if (probe == Probe::live) {
    respond_json(exchange, 200, "{\"status\":\"ok\"}");
    co_return;
  }
  if (const std::optional<std::string_view> objection = health_.objection()) {
    respond_json(exchange, 503,
                 *objection == "stopping" ? "{\"status\":\"stopping\"}"
                                          : "{\"status\":\"unavailable\",\"reason\":\"no worker "
                                            "is ready\"}");
    co_return;
  }
  if (const std::optional<std::uint32_t> witness = health_.witness()) {
    co_await proxy_.forward_probe(exchange, *witness);
    co_return;
  }
  respond_json(exchange, 200, "{\"status\":\"ok\"}");
}

Task<void> ListenerHandler::redirect(Exchange& exchange) {
  const RequestHead& request = exchange.request;
  proxy_.count_local(exchange);
  const std::string_view host = request.host();
  if (host.empty() || !request.path.starts_with('/')) {
    proxy_.refuse(exchange, OwnAnswer::no_route, "there is no host to redirect to");
    co_return;
  }
  std::string location = "https://";
  const bool six = host.find(':') != std::string_view::npos;
  location.append(six ? "[" : "").append(host).append(six ? "]" : "");
  if (listener_.redirect_https != 443) {
    location += ":" + std::to_string(listener_.redirect_https);
  }
  location += request.path;
  if (request.has_query) {
    location.append("?").append(request.query);
  }
  proxy_.redirect(exchange, location);
}

Task<void> AdminHandler::handle(Exchange& exchange) {
  proxy_.begin(exchange, listener_);
  return answer(exchange);
}

Task<void> AdminHandler::answer(Exchange& exchange) {
  proxy_.mark_probe(exchange);
  const std::string_view path = exchange.request.path;
  if (!may_probe(exchange)) {
    respond_json(exchange, 405, "{\"status\":\"this listener answers GET only\"}");
    co_return;
  }
  if (const std::optional<Probe> probe = probe_of(path)) {
    co_await answer_probe(exchange, *probe);
  } else if (path == "/metrics") {
    respond_text(exchange, 200, "text/plain; version=0.0.4; charset=utf-8", print_(source_));
  } else {
    respond_json(exchange, 404, "{\"status\":\"/metrics, /livez, /healthz, /readyz are here\"}");
  }
}

}  // namespace sk::lb
