// The balancer's router with 100 routes: by host, at the end of the list, and no match.

#include "lb/router.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

namespace {

sk::lb::Router with_routes(int count) {
  std::vector<sk::lb::RouteConfig> routes(static_cast<std::size_t>(count));
  for (std::size_t i = 0; i < routes.size(); ++i) {
    routes[i].host = i % 2 == 0 ? "api" + std::to_string(i) + ".example.com" : "";
    routes[i].path = "/v1/things" + std::to_string(i) + "/*";
  }
  return sk::lb::Router(routes);
}

void balance_route(benchmark::State& state, std::string_view host, std::string_view path,
                   bool found) {
  const sk::lb::Router router = with_routes(100);
  if ((router.match(host, path) != sk::lb::Router::kNone) != found) {
    std::abort();
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(path);
    benchmark::DoNotOptimize(router.match(host, path));
  }
}
BENCHMARK_CAPTURE(balance_route, by_host, "api50.example.com", "/v1/things50/1", true);
BENCHMARK_CAPTURE(balance_route, last, "elsewhere.example.com", "/v1/things99/1", true);
BENCHMARK_CAPTURE(balance_route, none, "elsewhere.example.com", "/v2", false);

}  // namespace
