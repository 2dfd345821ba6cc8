// ListenerHandler: what a listener does with its requests before they are proxied: health on
// cleartext listeners, the redirect to https, metrics on the admin listener.
//
// One per listener and data thread.
#pragma once

#include "lb/health.h"
#include "lb/proxy.h"

#include <string>

namespace sk::lb {

class ListenerHandler : public ExchangeHandler {
 public:
  ListenerHandler(ThreadContext& context, Proxy& proxy, const Health& health,
                  const ListenerConfig& listener)
      : context_(context), proxy_(proxy), health_(health), listener_(listener) {}
  virtual ~ListenerHandler() = default;

  Task<void> handle(Exchange& exchange) override;
  void completed(Exchange& exchange) override { proxy_.completed(exchange); }
  void rejected(const Rejection& rejection) override { proxy_.rejected(rejection); }

 protected:
  Task<void> answer_probe(Exchange& exchange, Probe probe);

  ThreadContext& context_;
  Proxy& proxy_;
  const Health& health_;
  const ListenerConfig& listener_;

 private:
  Task<void> redirect(Exchange& exchange);
};

// The admin listener: /metrics and health, nothing else.
class AdminHandler final : public ListenerHandler {
 public:
  using Print = std::string (*)(const void* source);

  // print(source): the whole exposition; any thread.
  AdminHandler(ThreadContext& context, Proxy& proxy, const Health& health,
               const ListenerConfig& listener, Print print, const void* source)
      : ListenerHandler(context, proxy, health, listener), print_(print), source_(source) {}

  Task<void> handle(Exchange& exchange) override;

 private:
  Task<void> answer(Exchange& exchange);

  const Print print_;
  const void* const source_;
};

}  // namespace sk::lb
