// Goal: parsing a request and writing a response costs no allocation once warm.
// Method: this binary's operator new counts per thread; other tests only pay an increment. Under a
// sanitizer, which has its own allocator, only the work itself is done.

#include "net/core/buffer.h"
#include "net/core/output_queue.h"
#include "net/http/h1_parser.h"
#include "net/http/h1_serialiser.h"
#include "net/http/h1_server.h"
#include "net/io/socket_transport.h"

#include "tests/net/http/tcp_pair.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <memory>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SK_COUNT_ALLOCATIONS 0
#else
#define SK_COUNT_ALLOCATIONS 1
#endif

namespace {
thread_local std::uint64_t allocation_count = 0;
}  // namespace

#if SK_COUNT_ALLOCATIONS
// Not inlined: the compiler would see malloc and delete meet, and object.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocation_count;
  void* memory = std::malloc(bytes == 0 ? 1 : bytes);
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
#endif

namespace sk::test {
namespace {

TEST(H1Allocation, ARequestAndItsResponseCostNoneInSteadyState) {
  constexpr std::string_view kRequest =
      "POST /items?x=1 HTTP/1.1\r\nHost: example.com\r\nUser-Agent: test\r\nAccept: */*\r\n"
      "Cookie: session=0123456789abcdef\r\nContent-Length: 5\r\n\r\nhello";
  const H1Limits limits;
  H1RequestParser parser(limits);
  RequestHead head;
  ResponseHead response;
  BufferPool pool(4);
  OutputQueue out(pool);
  const auto serve_one = [&] {
    parser.begin(head);
    std::string_view rest = kRequest;
    while (true) {
      const H1Step step = parser.feed(rest);
      rest.remove_prefix(step.consumed);
      if (step.event == H1Event::end) {
        break;
      }
      ASSERT_NE(step.event, H1Event::error);
    }
    response.reset();
    response.status = 200;
    response.fields.add(HeaderId::content_type, "application/json");
    ResponseWrite how;
    how.framing = {BodyKind::length, 2};
    how.unix_seconds = 1764000000;
    ASSERT_TRUE(write_response_head(out, response, how).has_value());
    out.append_copy("ok");
    out.consume(out.size());
    head.release();
    response.release();
  };
  // The counter itself works, or the result below means nothing.
  const std::uint64_t start = allocation_count;
  ::operator delete(::operator new(1));
  EXPECT_EQ(allocation_count - start, SK_COUNT_ALLOCATIONS ? 1U : 0U);
  for (int i = 0; i < 10; ++i) {
    serve_one();
  }
  const std::uint64_t before = allocation_count;
  for (int i = 0; i < 1000; ++i) {
    serve_one();
  }
  EXPECT_EQ(allocation_count - before, 0U);
}

class OkHandler final : public ExchangeHandler {
 public:
  Task<void> handle(Exchange& exchange) override {
    ResponseHead& head = head_;
    head.reset();
    head.status = 200;
    head.content_length = 2;
    head.fields.add_view(HeaderId::content_type, "text/plain");
    static_cast<void>(exchange.respond(head, true));
    exchange.response_body().write(Slice::of_static("ok"));
    exchange.response_body().finish();
    co_return;
  }
  void completed(Exchange&) override {}
  void rejected(const Rejection&) override {}

 private:
  ResponseHead head_;
};

class H1AllocationTest : public LoopTest {};

TEST_F(H1AllocationTest, AKeepAliveRequestThroughTheServerCostsNone) {
  OkHandler handler;
  const H1ServerConfig config;
  H1Server server(*loop_, handler, config);
  const TcpPair pair;
  server.start(std::make_unique<SocketTransport>(*loop_, pair.ours, std::chrono::seconds(30)),
               PeerName(Address::peer_of(pair.ours)), false);
  constexpr std::string_view kRequest = "GET /a?b=1 HTTP/1.1\r\nHost: x\r\nAccept: */*\r\n\r\n";
  std::array<char, 4096> buffer;
  const auto ask_once = [&] {
    ASSERT_EQ(::send(pair.theirs, kRequest.data(), kRequest.size(), 0),
              static_cast<ssize_t>(kRequest.size()));
    const Instant end = loop_->read_clock() + std::chrono::seconds(10);
    while (::recv(pair.theirs, buffer.data(), buffer.size(), MSG_DONTWAIT) <= 0) {
      ASSERT_LT(loop_->read_clock(), end);
      loop_->run_once(loop_->read_clock() + std::chrono::milliseconds(1));
    }
  };
  for (int i = 0; i < 50; ++i) {
    ask_once();
  }
  const std::uint64_t before = allocation_count;
  for (int i = 0; i < 500; ++i) {
    ask_once();
  }
  EXPECT_EQ(allocation_count - before, 0U);
  EXPECT_EQ(server.counters().requests, 550U);
  ::close(pair.theirs);
  run(server.join());
}

}  // namespace
}  // namespace sk::test
