// HTTP/1.1: a message in, a message out, in steady state (arena and parser are reused as a
// connection does).

#include "net/http/h1_parser.h"
#include "net/http/h1_serialiser.h"

#include "bench/micro/messages.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace {

using sk::H1Event;
using sk::H1Step;

// Feeds a whole message; a benchmark of a refused message would be worthless, so that ends the
// program.
template <typename Parser>
void feed_all(Parser& parser, std::string_view message) {
  for (;;) {
    const H1Step step = parser.feed(message);
    message.remove_prefix(step.consumed);
    if (step.event == H1Event::end) {
      return;
    }
    if (step.event == H1Event::error || step.event == H1Event::need_more) {
      std::abort();
    }
  }
}

void parse_request(benchmark::State& state, std::string_view message) {
  const sk::H1Limits limits;
  sk::H1RequestParser parser(limits);
  sk::RequestHead head;
  for (auto _ : state) {
    head.reset();
    parser.begin(head);
    feed_all(parser, message);
    benchmark::DoNotOptimize(head.path.data());
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(message.size()));
}
BENCHMARK_CAPTURE(parse_request, small, sk::bench::kSmallRequest);
BENCHMARK_CAPTURE(parse_request, browser, sk::bench::kBrowserRequest);

void parse_response(benchmark::State& state) {
  const sk::H1Limits limits;
  sk::H1ResponseParser parser(limits);
  sk::ResponseHead head;
  for (auto _ : state) {
    head.reset();
    parser.begin(head, sk::Method::get);
    feed_all(parser, sk::bench::kSmallResponse);
    benchmark::DoNotOptimize(head.status);
  }
}
BENCHMARK(parse_response);

void write_request(benchmark::State& state, std::string_view message) {
  const sk::H1Limits limits;
  sk::H1RequestParser parser(limits);
  sk::RequestHead head;
  parser.begin(head);
  feed_all(parser, message);
  sk::BufferPool pool(16);
  sk::OutputQueue out(pool);
  for (auto _ : state) {
    if (!sk::write_request_head(out, head, {.framing = parser.framing()})) {
      std::abort();
    }
    out.consume(out.size());
  }
}
BENCHMARK_CAPTURE(write_request, small, sk::bench::kSmallRequest);
BENCHMARK_CAPTURE(write_request, browser, sk::bench::kBrowserRequest);

void write_response(benchmark::State& state) {
  const sk::H1Limits limits;
  sk::H1ResponseParser parser(limits);
  sk::ResponseHead head;
  parser.begin(head, sk::Method::get);
  feed_all(parser, sk::bench::kSmallResponse);
  sk::BufferPool pool(16);
  sk::OutputQueue out(pool);
  for (auto _ : state) {
    const sk::ResponseWrite how{.framing = parser.framing(), .unix_seconds = 1'764'000'000};
    if (!sk::write_response_head(out, head, how)) {
      std::abort();
    }
    out.consume(out.size());
  }
}
BENCHMARK(write_response);

}  // namespace
