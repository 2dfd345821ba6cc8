// The worker link: one request and one response into a frame and out of it again.

#include "net/http/h1_parser.h"
#include "net/link/frame_codec.h"

#include "bench/micro/messages.h"

#include <benchmark/benchmark.h>

#include <cstdlib>

namespace {

constexpr sk::StreamId kStream{.slot = 7, .generation = 3};

sk::RequestHead parsed(std::string_view message) {
  static const sk::H1Limits limits;
  sk::H1RequestParser parser(limits);
  sk::RequestHead head;
  parser.begin(head);
  if (parser.feed(message).event != sk::H1Event::head) {
    std::abort();
  }
  return head;
}

// The payload of the only frame in the queue, which must lie in one piece.
std::string_view payload_of(const sk::OutputQueue& out) {
  if (out.front().size() != out.size()) {
    std::abort();
  }
  return out.front().substr(sk::kFrameHeaderBytes);
}

sk::RequestMeta meta_of_a_request() {
  sk::RequestMeta meta;
  meta.id = "req-7f3k_1a";
  meta.remote_address = "203.0.113.9";
  meta.remote_port = 51514;
  meta.deadline_ns = 1;
  return meta;
}

void encode_request(benchmark::State& state, std::string_view message) {
  const sk::RequestHead head = parsed(message);
  const sk::RequestMeta meta = meta_of_a_request();
  sk::BufferPool pool(16);
  sk::OutputQueue out(pool);
  for (auto _ : state) {
    if (!sk::encode_request(out, kStream, head, meta, true)) {
      std::abort();
    }
    out.consume(out.size());
  }
}
BENCHMARK_CAPTURE(encode_request, small, sk::bench::kSmallRequest);
BENCHMARK_CAPTURE(encode_request, browser, sk::bench::kBrowserRequest);

void decode_request(benchmark::State& state, std::string_view message) {
  sk::BufferPool pool(16);
  sk::OutputQueue out(pool);
  if (!sk::encode_request(out, kStream, parsed(message), meta_of_a_request(), true)) {
    std::abort();
  }
  const std::string_view payload = payload_of(out);
  sk::RequestHead head;
  sk::RequestMeta meta;
  for (auto _ : state) {
    head.reset();
    if (!sk::decode_request(payload, head, meta)) {
      std::abort();
    }
  }
}
BENCHMARK_CAPTURE(decode_request, small, sk::bench::kSmallRequest);
BENCHMARK_CAPTURE(decode_request, browser, sk::bench::kBrowserRequest);

sk::ResponseHead small_response() {
  static const sk::H1Limits limits;
  sk::H1ResponseParser parser(limits);
  sk::ResponseHead head;
  parser.begin(head, sk::Method::get);
  if (parser.feed(sk::bench::kSmallResponse).event != sk::H1Event::head) {
    std::abort();
  }
  return head;
}

void encode_response(benchmark::State& state) {
  const sk::ResponseHead head = small_response();
  sk::BufferPool pool(16);
  sk::OutputQueue out(pool);
  for (auto _ : state) {
    if (!sk::encode_response(out, kStream, head, {}, false)) {
      std::abort();
    }
    out.consume(out.size());
  }
}
BENCHMARK(encode_response);

void decode_response(benchmark::State& state) {
  sk::BufferPool pool(16);
  sk::OutputQueue out(pool);
  if (!sk::encode_response(out, kStream, small_response(), {}, false)) {
    std::abort();
  }
  const std::string_view payload = payload_of(out);
  sk::ResponseHead head;
  sk::ResponseMeta meta;
  for (auto _ : state) {
    head.reset();
    if (!sk::decode_response(payload, head, meta)) {
      std::abort();
    }
  }
}
BENCHMARK(decode_response);

}  // namespace
