// A worker runs user code, so its end of the link may say anything. Whatever comes, the balancer's
// end ends this link with "malformed" and fails its streams; nothing else happens.
#include "net/http/header_id.h"
#include "net/link/link_client.h"

#include "tests/support/client_request.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <functional>
#include <string>

namespace sk {
namespace {

constexpr LinkLimits make_limits() {
  LinkLimits limits;
  limits.slots = 4;
  return limits;
}
constexpr LinkLimits kLimits = make_limits();

std::string frame(FrameType type, std::uint8_t flags, StreamId stream, std::string_view payload) {
  std::string out;
  const auto put = [&out](auto value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  put(static_cast<std::uint32_t>(payload.size()));
  put(static_cast<std::uint8_t>(type));
  put(flags);
  put(std::uint16_t{0});
  put(stream.slot);
  put(stream.generation);
  out.append(payload);
  return out;
}

std::string u32(std::uint32_t value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

struct FieldBytes {
  std::uint8_t id = 0;
  std::string name;
  std::string value;
};

std::string response(std::uint16_t status, std::vector<FieldBytes> fields = {},
                     std::optional<std::uint64_t> length = {}, std::uint16_t pattern = kNoPattern) {
  std::string out;
  const auto put = [&out](auto value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  put(length.value_or(0));
  put(status);
  put(static_cast<std::uint16_t>(fields.size()));
  put(pattern);
  put(static_cast<std::uint8_t>(length ? 1 : 0));
  put(std::uint8_t{0});
  for (const FieldBytes& field : fields) {
    put(field.id);
    put(std::uint8_t{0});
    put(static_cast<std::uint16_t>(field.name.size()));
    put(static_cast<std::uint32_t>(field.value.size()));
    out.append(field.name).append(field.value);
  }
  return out;
}

std::string hello(std::uint32_t version, std::uint64_t table, LinkLimits limits) {
  std::string out;
  const auto put = [&out](auto value) {
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  };
  put(version);
  put(limits.slots);
  put(table);
  put(std::uint64_t{5});
  put(limits.stream_window);
  put(limits.link_window());
  put(std::uint16_t{1});
  put(std::uint16_t{0});
  put(std::uint16_t{1});
  out.append("/");
  return frame(FrameType::hello, 0, StreamId{}, out);
}

std::string good_hello() { return hello(kLinkVersion, header_table_hash(), kLimits); }

class LinkForgeryTest : public test::LoopTest, public LinkObserver {
 protected:
  LinkForgeryTest() {
    int fds[2];
    SK_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    Result<LinkPage> page = LinkPage::create(kLimits.slots);
    SK_ASSERT(page.has_value());
    worker_ = fds[1];
    client_ = std::make_unique<LinkClient>(*loop_, fds[0], std::move(*page), kLimits, 7, in_flight_,
                                           *this);
    group_.spawn(serve());
  }
  ~LinkForgeryTest() override {
    scope_.cancel();
    EXPECT_TRUE(test::run_until(*loop_, [this] { return group_.live() == 0; }));
    client_.reset();
    ::close(worker_);
  }
  void link_ready(LinkClient&) override { ready_ = true; }
  void link_draining(LinkClient&) override {}
  Task<void> serve() { end_ = co_await client_->run(scope_); }

  void say(const std::string& bytes) {
    ASSERT_EQ(::send(worker_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  void greet() {
    say(good_hello());
    ASSERT_TRUE(test::run_until(*loop_, [this] { return ready_; }));
  }
  std::atomic<std::uint32_t> in_flight_{0};
  CancelScope scope_{*loop_};
  TaskGroup group_{*loop_};
  std::unique_ptr<LinkClient> client_;
  std::optional<Error> end_;
  int worker_ = -1;
  bool ready_ = false;
};

TEST_F(LinkForgeryTest, FirstFrameMustBeAHelloOfTheSameBuild) {
  LinkLimits other = kLimits;
  other.slots = 5;
  for (const std::string& first :
       {frame(FrameType::ping, 0, StreamId{}, std::string(8, 'x')),
        hello(kLinkVersion + 1, header_table_hash(), kLimits),
        hello(kLinkVersion, header_table_hash() + 1, kLimits),
        hello(kLinkVersion, header_table_hash(), other),
        frame(FrameType::hello, 0, StreamId{}, "short"), std::string("GET / HTTP/1.1\r\n\r\n")}) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    Result<LinkPage> page = LinkPage::create(kLimits.slots);
    ASSERT_TRUE(page.has_value());
    LinkClient client(*loop_, fds[0], std::move(*page), kLimits, 7, in_flight_, *this);
    ASSERT_EQ(::send(fds[1], first.data(), first.size(), 0), static_cast<ssize_t>(first.size()));
    std::optional<Error> end;
    run([](LinkClient& c, CancelScope& scope, std::optional<Error>& why) -> Task<void> {
      why = co_await c.run(scope);
    }(client, scope_, end));
    EXPECT_EQ(end->code, ErrorCode::malformed) << end->detail;
    ::close(fds[1]);
  }
}

// Each forgery follows a good HELLO and one request on slot 3, generation 1.
struct Forgery {
  const char* name;
  std::function<std::string()> bytes;
};

const StreamId kOpen{0, 1};

const std::vector<Forgery>& forgeries() {
  static const std::vector<Forgery> all = {
      {"UnknownType", [] { return frame(static_cast<FrameType>(99), 0, kOpen, ""); }},
      {"TypeZero", [] { return frame(static_cast<FrameType>(0), 0, kOpen, ""); }},
      {"UnknownFlags", [] { return frame(FrameType::response, 4, kOpen, response(200)); }},
      {"SecondHello", [] { return good_hello(); }},
      {"HugeFrame",
       [] {
         std::string bytes = frame(FrameType::response, 0, kOpen, "");
         const std::uint32_t size = 0x7fffffff;
         std::memcpy(bytes.data(), &size, sizeof(size));
         return bytes;
       }},
      {"EmptyBody", [] { return frame(FrameType::body, 0, kOpen, ""); }},
      {"BodyFirst", [] { return frame(FrameType::body, 0, kOpen, "x"); }},
      {"EndFirst", [] { return frame(FrameType::end, 0, kOpen, ""); }},
      {"UnknownSlot", [] { return frame(FrameType::response, 0, {9, 1}, response(200)); }},
      {"UnusedSlot", [] { return frame(FrameType::response, 0, {2, 1}, response(200)); }},
      {"OtherGeneration", [] { return frame(FrameType::response, 0, {0, 2}, response(200)); }},
      {"RequestFromWorker", [] { return frame(FrameType::request, 0, kOpen, "x"); }},
      {"StatusZero", [] { return frame(FrameType::response, 0, kOpen, response(0)); }},
      {"Status999", [] { return frame(FrameType::response, 0, kOpen, response(999)); }},
      {"UnaskedUpgrade", [] { return frame(FrameType::response, 0, kOpen, response(101)); }},
      {"EndingInformational",
       [] { return frame(FrameType::response, kFlagEnd, kOpen, response(103)); }},
      {"TwoFinals",
       [] {
         const std::string one = frame(FrameType::response, 0, kOpen, response(200));
         return one + one;
       }},
      {"ManyInformational",
       [] {
         std::string all_of_them;
         for (int i = 0; i < 100; ++i) {
           all_of_them += frame(FrameType::response, 0, kOpen, response(103));
         }
         return all_of_them;
       }},
      {"UnknownPattern",
       [] { return frame(FrameType::response, 0, kOpen, response(200, {}, {}, 7)); }},
      {"SplitValue",
       [] {
         return frame(FrameType::response, 0, kOpen,
                      response(200, {{0, "X-A", "b\r\nSet-Cookie: a=b"}}));
       }},
      {"NulValue",
       [] {
         return frame(FrameType::response, 0, kOpen,
                      response(200, {{0, "X-A", std::string(1, '\0')}}));
       }},
      {"NameWithSpace",
       [] { return frame(FrameType::response, 0, kOpen, response(200, {{0, "X A", "b"}})); }},
      {"EmptyName",
       [] { return frame(FrameType::response, 0, kOpen, response(200, {{0, "", "b"}})); }},
      {"FramingField",
       [] {
         const auto id = static_cast<std::uint8_t>(HeaderId::transfer_encoding);
         return frame(FrameType::response, 0, kOpen, response(200, {{id, "", "chunked"}}));
       }},
      {"FramingFieldByName",
       [] {
         return frame(FrameType::response, 0, kOpen, response(200, {{0, "content-length", "5"}}));
       }},
      {"UnknownFieldId",
       [] { return frame(FrameType::response, 0, kOpen, response(200, {{250, "", "x"}})); }},
      {"FieldCutShort",
       [] {
         std::string payload = response(200, {{0, "X-A", "value"}});
         payload.resize(payload.size() - 2);
         return frame(FrameType::response, 0, kOpen, payload);
       }},
      {"TrailingBytes", [] { return frame(FrameType::response, 0, kOpen, response(200) + "x"); }},
      {"MoreBodyThanDeclared",
       [] {
         return frame(FrameType::response, 0, kOpen, response(200, {}, 2)) +
                frame(FrameType::body, 0, kOpen, "abc");
       }},
      {"LessBodyThanDeclared",
       [] {
         return frame(FrameType::response, 0, kOpen, response(200, {}, 9)) +
                frame(FrameType::body, kFlagEnd, kOpen, "abc");
       }},
      {"BodyFor204", [] { return frame(FrameType::response, 0, kOpen, response(204)); }},
      {"FrameAfterEnd",
       [] {
         return frame(FrameType::response, kFlagEnd, kOpen, response(200)) +
                frame(FrameType::body, 0, kOpen, "x");
       }},
      {"BodyBeyondCredit",
       [] {
         std::string bytes = frame(FrameType::response, 0, kOpen, response(200));
         const std::string block(kBodyBytesMax, 'z');
         return bytes + frame(FrameType::body, 0, kOpen, block) +
                frame(FrameType::body, 0, kOpen, block);
       }},
      {"TooMuchCredit", [] { return frame(FrameType::window, 0, kOpen, u32(1U << 29)); }},
      {"NoCredit", [] { return frame(FrameType::window, 0, kOpen, u32(0)); }},
      {"TooMuchLinkCredit", [] { return frame(FrameType::window, 0, StreamId{}, u32(1U << 29)); }},
      {"RefusedAfterResponse",
       [] {
         return frame(FrameType::response, 0, kOpen, response(200)) +
                frame(FrameType::refused, 0, kOpen, u32(0));
       }},
      {"BrokenReason", [] { return frame(FrameType::reset, 0, kOpen, u32(4711)); }},
      {"StopWithPayload", [] { return frame(FrameType::stop, 0, kOpen, "x"); }},
      {"DrainWithStream", [] { return frame(FrameType::drain, 0, kOpen, ""); }},
      {"ShortLoad", [] { return frame(FrameType::load, 0, StreamId{}, "abc"); }},
  };
  return all;
}

TEST_F(LinkForgeryTest, EveryForgeryCostsThisLinkOnly) {
  for (const Forgery& forgery : forgeries()) {
    SCOPED_TRACE(forgery.name);
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    const int room = 1 << 20;
    ::setsockopt(fds[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
    Result<LinkPage> page = LinkPage::create(kLimits.slots);
    ASSERT_TRUE(page.has_value());
    ready_ = false;
    LinkClient client(*loop_, fds[0], std::move(*page), kLimits, 7, in_flight_, *this);
    std::optional<Error> end;
    TaskGroup group(*loop_);
    group.spawn([](LinkClient& c, CancelScope& scope, std::optional<Error>& why) -> Task<void> {
      why = co_await c.run(scope);
    }(client, scope_, end));
    const std::string greeting = good_hello();
    ASSERT_EQ(::send(fds[1], greeting.data(), greeting.size(), 0),
              static_cast<ssize_t>(greeting.size()));
    ASSERT_TRUE(test::run_until(*loop_, [this] { return ready_; }));

    test::ClientRequest request(*loop_, "/");
    UpstreamStreamPtr stream = client.open();
    ASSERT_NE(stream, nullptr);
    ASSERT_TRUE(stream->send(request, true).has_value());
    const std::string bytes = forgery.bytes();
    ASSERT_EQ(::send(fds[1], bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    ASSERT_TRUE(test::run_until(*loop_, [&client] { return !client.ready(); }));
    stream.reset();
    ASSERT_TRUE(test::run_until(*loop_, [&group] { return group.live() == 0; }));
    ASSERT_TRUE(end.has_value());
    EXPECT_EQ(end->code, ErrorCode::malformed) << end->detail;
    EXPECT_EQ(in_flight_.load(), 0U);
    ::close(fds[1]);
  }
}

// Every cut of a good conversation gives the same result: frames do not depend on how bytes arrive.
TEST_F(LinkForgeryTest, FramesMayArriveInAnyPieces) {
  greet();
  const std::string body(300, 'b');
  for (std::size_t step : {1U, 2U, 3U, 5U, 7U, 11U, 13U, 64U}) {
    test::ClientRequest request(*loop_, "/");
    UpstreamStreamPtr stream = client_->open();
    ASSERT_NE(stream, nullptr);
    ASSERT_TRUE(stream->send(request, false).has_value());
    loop_->run_once(loop_->read_clock());
    // The slot is the same each time, its generation counts the rounds.
    static std::uint16_t generation = 0;
    const StreamId id{0, ++generation};
    const std::string bytes =
        frame(FrameType::response, 0, id, response(200, {{0, "X-Name", "value"}})) +
        frame(FrameType::body, 0, id, body) + frame(FrameType::end, 0, id, "");
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      say(bytes.substr(at, step));
      loop_->run_once(loop_->read_clock());
      loop_->run_once(loop_->read_clock());
    }
    std::optional<Result<ResponseHead*>> head;
    ASSERT_TRUE(test::run_until(*loop_, [&] { return (head = stream->try_head()).has_value(); }));
    ASSERT_TRUE(head->has_value());
    EXPECT_EQ((**head)->fields.get("X-Name"), "value");
    std::string got;
    bool done = false;
    ASSERT_TRUE(test::run_until(*loop_, [&] {
      while (auto piece = stream->response_body().try_read()) {
        EXPECT_TRUE(piece->has_value());
        done = (*piece)->empty();
        got.append((*piece)->view());
        if (done) {
          break;
        }
      }
      return done;
    }));
    EXPECT_EQ(got, body);
    stream.reset();
  }
}

}  // namespace
}  // namespace sk
