// Routes: an application's handlers by method and pattern (router.h explains patterns, handler.h
// handlers). Filled at start, then shared read-only.
#pragma once

#include "app/handler.h"
#include "app/router.h"

#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace sk::app {

class Routes {
 public:
  template <typename F>
  void add(Method method, std::string_view pattern, F&& handler) {
    add_handler(method, pattern,
                std::make_unique<CallableHandler<std::decay_t<F>>>(std::forward<F>(handler)));
  }
  void add_handler(Method method, std::string_view pattern, std::unique_ptr<Handler> handler);

  [[nodiscard]] const Router& router() const { return router_; }
  [[nodiscard]] const Handler& handler(std::uint32_t index) const { return *handlers_[index]; }
  // What was wrong with registrations, as sentences; the application must not start then.
  [[nodiscard]] const std::vector<std::string>& mistakes() const { return mistakes_; }

 private:
  Router router_;
  std::vector<std::unique_ptr<Handler>> handlers_;
  std::vector<std::string> mistakes_;
};

}  // namespace sk::app
