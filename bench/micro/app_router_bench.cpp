// The application's router with 100 patterns: the first, the last, one with a parameter, and no
// match.

#include "app/router.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <string>

namespace {

sk::app::Router with_patterns(int count) {
  sk::app::Router router;
  for (int i = 0; i < count; ++i) {
    const std::string base = "/v1/things" + std::to_string(i);
    if (!router.add(sk::Method::get, base, 0) ||
        !router.add(sk::Method::get, base + "/:id/parts", 1)) {
      std::abort();
    }
  }
  return router;
}

void route(benchmark::State& state, std::string_view path, sk::app::MatchKind expected) {
  const sk::app::Router router = with_patterns(50);
  if (router.match(sk::Method::get, path).kind != expected) {
    std::abort();
  }
  for (auto _ : state) {
    benchmark::DoNotOptimize(path);
    sk::app::Match match = router.match(sk::Method::get, path);
    benchmark::DoNotOptimize(match);
  }
}
BENCHMARK_CAPTURE(route, first, "/v1/things0", sk::app::MatchKind::found);
BENCHMARK_CAPTURE(route, last, "/v1/things49", sk::app::MatchKind::found);
BENCHMARK_CAPTURE(route, parameter, "/v1/things25/4711/parts", sk::app::MatchKind::found);
BENCHMARK_CAPTURE(route, none, "/v2/things25", sk::app::MatchKind::no_path);

}  // namespace
