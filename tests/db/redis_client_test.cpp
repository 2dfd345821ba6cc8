// Redis through the client: against a real server, and through a proxy where timing matters.
#include "db/redis/client.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "net/io/event.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"
#include "tests/db/holding_proxy.h"
#include "tests/db/servers.h"
#include "tests/support/loop_test.h"

namespace sk::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class RedisClientTest : public test::LoopTest {
 protected:
  RedisClientTest() : resolver_(*loop_), scope_(*loop_) {}

  static void SetUpTestSuite() { servers().call({"redis", "start"}); }
  void SetUp() override { servers().call({"redis", "command", "FLUSHALL"}); }
  void TearDown() override {
    if (client_ != nullptr) {
      run(client_->close());
    }
    run(resolver_.close());
  }

  static test::Servers& servers() { return test::Servers::get(); }

  // The password of servers.py holds characters that a URL must encode.
  static std::string url_of(const std::string& port, const std::string& scheme = "redis") {
    return scheme + "://:secret%25%2f@127.0.0.1:" + port + "/0";
  }
  static std::string url() { return url_of(servers().call({"redis", "port"})); }

  std::string proxied_url() {
    const std::string port = servers().call({"redis", "port"});
    proxy_ = std::make_unique<test::HoldingProxy>(test::Protocol::redis,
                                                  static_cast<std::uint16_t>(std::stoi(port)));
    return url_of(std::to_string(proxy_->port()));
  }

  static Config config_for(std::string where) {
    Config config;
    config.url = std::move(where);
    config.command_timeout = seconds(3);
    config.backoff_min = milliseconds(10);
    config.backoff_max = milliseconds(50);
    return config;
  }

  void open(Config config) {
    Result<std::unique_ptr<Client>> made = Client::create(*loop_, resolver_, std::move(config));
    ASSERT_TRUE(made) << describe(made.error());
    client_ = std::move(*made);
    client_->start([this](const Health& health) { states_.push_back(health.state); });
  }

  void open_ready(Config config) {
    open(std::move(config));
    ASSERT_TRUE(wait_for_state(State::ready)) << client_->health().reason;
  }

  bool wait_for_state(State state) {
    return test::run_until(*loop_, [&] { return client_->health().state == state; });
  }

  Resolver resolver_;
  CancelScope scope_;
  std::unique_ptr<test::HoldingProxy> proxy_;
  std::unique_ptr<Client> client_;
  std::vector<State> states_;
};

struct Tally {
  std::size_t right = 0;
  std::size_t failed = 0;
  std::vector<ErrorKind> kinds;
  std::vector<std::string> messages;
  std::size_t maybe_executed = 0;
};

// ECHO answers with its own words, so that a reply that went astray shows.
Task<void> echo(Client& redis, CancelScope& scope, std::string text, Tally& tally) {
  const std::array<std::string_view, 2> words = {"ECHO", text};
  auto got = co_await redis.command(scope, words);
  if (!got) {
    ++tally.failed;
    tally.kinds.push_back(got.error().kind);
    tally.messages.push_back(describe(got.error()));
    tally.maybe_executed += got.error().maybe_executed ? 1 : 0;
  } else if (got->view().text() == text) {
    ++tally.right;
  } else {
    ADD_FAILURE() << "sent " << text << ", got " << got->view().text();
  }
}

Task<void> echo_until(Client& redis, CancelScope& scope, Duration limit, std::string text,
                      Tally& tally) {
  CancelScope own(scope, after(scope.loop().now(), limit));
  co_await echo(redis, own, std::move(text), tally);
}

Task<void> echo_many(Client& redis, CancelScope& scope, std::size_t count, Tally& tally) {
  TaskGroup group(scope.loop());
  for (std::size_t i = 0; i < count; ++i) {
    group.spawn(echo(redis, scope, "text " + std::to_string(i), tally));
  }
  co_await group.join();
}

TEST_F(RedisClientTest, TheUsualCommandsDoWhatTheyPromise) {
  open_ready(config_for(url()));
  const auto body = [](this auto, Client& redis, CancelScope& scope) -> Task<void> {
    auto none = co_await redis.get(scope, "k");
    EXPECT_TRUE(none && !none->has_value());
    const std::string value("zero \0 byte \r\n and line", 22);
    auto stored = co_await redis.set(scope, "k", value, seconds(100));
    EXPECT_TRUE(stored && *stored);
    auto got = co_await redis.get(scope, "k");
    EXPECT_TRUE(got && got->has_value());
    EXPECT_EQ(got->value_or(""), value);
    const std::array<std::string_view, 2> pttl = {"PTTL", "k"};
    auto left = co_await redis.command(scope, pttl);
    EXPECT_TRUE(left && left->view().integer() > 90'000 && left->view().integer() <= 100'000);
    auto absent = co_await redis.set_if_absent(scope, "k", "other", seconds(1));
    EXPECT_TRUE(absent && !*absent);
    auto fresh = co_await redis.set_if_absent(scope, "n", "1", Client::kNoTtl);
    EXPECT_TRUE(fresh && *fresh);
    auto two = co_await redis.incr(scope, "n");
    EXPECT_EQ(two.value_or(0), 2);
    auto gone = co_await redis.del(scope, "k");
    EXPECT_EQ(gone.value_or(-1), 1);
    auto again = co_await redis.del(scope, "k");
    EXPECT_EQ(again.value_or(-1), 0);
    const std::array<std::string_view, 1> keys = {"n"};
    const std::array<std::string_view, 1> arguments = {"40"};
    auto sum = co_await redis.eval(scope, "return redis.call('INCRBY', KEYS[1], ARGV[1])", keys,
                                   arguments);
    EXPECT_EQ(sum ? sum->view().integer() : 0, 42);
  };
  run(body(*client_, scope_));
  EXPECT_TRUE(client_->health().has_answered);
}

TEST_F(RedisClientTest, RepliesKeepTheirTypesUnderResp3) {
  open_ready(config_for(url()));
  const auto body = [](this auto, Client& redis, CancelScope& scope) -> Task<void> {
    const std::array<std::string_view, 6> hset = {"HSET", "h", "a", "1", "b", "2"};
    auto stored = co_await redis.command(scope, hset);
    EXPECT_TRUE(stored);
    const std::array<std::string_view, 2> hgetall = {"HGETALL", "h"};
    auto map = co_await redis.command(scope, hgetall);
    EXPECT_TRUE(map);
    EXPECT_EQ(map->view().type(), ReplyType::map);  // RESP2 would make it an array
    EXPECT_EQ(map->view().size(), 4U);
    EXPECT_EQ(map->view().at(1).text(), "1");
    const std::array<std::string_view, 1> none = {};
    auto mixed = co_await redis.eval(
        scope, "redis.setresp(3) return {1, {double=0.5}, true, false, 'x', {err='BAD thing'}}",
        none, none);
    EXPECT_TRUE(mixed) << describe(mixed.error());
    const ReplyView view = mixed->view();
    EXPECT_EQ(view.size(), 6U);
    EXPECT_EQ(view.at(0).integer(), 1);
    EXPECT_EQ(view.at(1).type(), ReplyType::real);
    EXPECT_EQ(view.at(1).real(), 0.5);
    EXPECT_EQ(view.at(2).type(), ReplyType::boolean);
    EXPECT_EQ(view.at(5).type(), ReplyType::error);
    auto wrong = co_await redis.incr(scope, "h");
    EXPECT_EQ(wrong.error().kind, ErrorKind::rejected);
    EXPECT_TRUE(wrong.error().message.starts_with("WRONGTYPE"));
    auto text = co_await redis.get(scope, "h");
    EXPECT_EQ(text.error().kind, ErrorKind::rejected);
  };
  run(body(*client_, scope_));
}

TEST_F(RedisClientTest, RepliesWithheldUntilTwentyCommandsArrivedOnOneConnectionDoNotStall) {
  open_ready(config_for(proxied_url()));
  proxy_->hold_until(20);
  Tally tally;
  run(echo_many(*client_, scope_, 20, tally));
  EXPECT_EQ(tally.right, 20U);
  EXPECT_GE(proxy_->commands_max(), 20U);
}

TEST_F(RedisClientTest, AThousandCommandsAtOnceGetTheirOwnReplies) {
  open_ready(config_for(url()));
  Tally tally;
  run(echo_many(*client_, scope_, 1000, tally));
  EXPECT_EQ(tally.right, 1000U) << (tally.messages.empty() ? "" : tally.messages.front());
}

TEST_F(RedisClientTest, LargeValuesPass) {
  open_ready(config_for(url()));
  const auto body = [](this auto, Client& redis, CancelScope& scope) -> Task<void> {
    const std::string large(4U << 20, 'v');
    auto stored = co_await redis.set(scope, "large", large, seconds(10));
    EXPECT_TRUE(stored) << describe(stored.error());
    auto got = co_await redis.get(scope, "large");
    EXPECT_TRUE(got && got->has_value() && **got == large);
  };
  run(body(*client_, scope_));
}

TEST_F(RedisClientTest, WaitersThatLeaveKeepTheOrderOfReplies) {
  open_ready(config_for(proxied_url()));
  proxy_->hold_for_ever();
  Tally late;
  Tally patient;
  const auto body = [](this auto, Client& redis, CancelScope& scope, Tally& t_late,
                       Tally& t_patient, test::HoldingProxy& proxy) -> Task<void> {
    TaskGroup group(scope.loop());
    TaskGroup leaving(scope.loop());
    for (int i = 0; i < 50; ++i) {
      if (i % 2 == 0) {
        leaving.spawn(echo_until(redis, scope, milliseconds(20), "late", t_late));
      } else {
        group.spawn(echo(redis, scope, "patient " + std::to_string(i), t_patient));
      }
    }
    co_await leaving.join();
    EXPECT_EQ(redis.in_flight(), 50U);
    proxy.let_go();
    co_await group.join();
  };
  run(body(*client_, scope_, late, patient, *proxy_));
  EXPECT_EQ(late.kinds, std::vector<ErrorKind>(25, ErrorKind::timeout));
  EXPECT_EQ(late.maybe_executed, 25U);
  EXPECT_EQ(patient.right, 25U);
  EXPECT_EQ(client_->counters().lost, 0U);
}

TEST_F(RedisClientTest, AStormOfTimeoutsIsBoundedAndADeadPeerIsGivenUp) {
  Config config = config_for(proxied_url());
  config.in_flight_max = 100;
  config.command_timeout = milliseconds(10);
  config.silence_max = milliseconds(200);
  open_ready(std::move(config));
  proxy_->hold_for_ever();
  Tally tally;
  const auto body = [](this auto, Client& redis, CancelScope& scope, Tally& t) -> Task<void> {
    for (int round = 0; round < 5; ++round) {
      co_await echo_many(redis, scope, 60, t);
      EXPECT_LE(redis.in_flight(), 100U);
    }
  };
  run(body(*client_, scope_, tally));
  EXPECT_EQ(tally.failed, 300U);
  EXPECT_GE(client_->counters().overloaded, 60U);
  EXPECT_TRUE(test::run_until(*loop_, [&] { return client_->counters().lost == 1; }));
  proxy_->let_go();
  ASSERT_TRUE(wait_for_state(State::ready));
  Tally after_it;
  run(echo_many(*client_, scope_, 20, after_it));
  EXPECT_EQ(after_it.right, 20U) << (after_it.messages.empty() ? "" : after_it.messages.front());
}

TEST_F(RedisClientTest, RequestBytesInFlightAreBounded) {
  Config config = config_for(proxied_url());
  config.request_bytes_max = 10'000;
  open_ready(std::move(config));
  proxy_->hold_for_ever();
  Tally tally;
  const auto body = [](this auto, Client& redis, CancelScope& scope, Tally& t,
                       test::HoldingProxy& proxy) -> Task<void> {
    TaskGroup group(scope.loop());
    for (int i = 0; i < 5; ++i) {
      group.spawn(echo(redis, scope, std::string(4000, 'x'), t));
    }
    while (t.failed < 3) {
      co_await Sleep(scope, after(scope.loop().now(), milliseconds(1)));
    }
    proxy.let_go();
    co_await group.join();
  };
  run(body(*client_, scope_, tally, *proxy_));
  EXPECT_EQ(tally.right, 2U);
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>(3, ErrorKind::overloaded));
}

TEST_F(RedisClientTest, AReplyBeyondTheLimitClosesTheConnection) {
  Config config = config_for(url());
  config.reply_bytes_max = 1U << 20;
  open_ready(std::move(config));
  const auto body = [](this auto, Client& redis, CancelScope& scope) -> Task<void> {
    auto stored = co_await redis.set(scope, "large", std::string(3U << 20, 'v'), seconds(10));
    EXPECT_TRUE(stored);
    auto got = co_await redis.get(scope, "large");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
    EXPECT_NE(got.error().message.find("reply_bytes_max"), std::string::npos);
  };
  run(body(*client_, scope_));
}

TEST_F(RedisClientTest, CommandsThatOthersWouldFeelAreRefused) {
  open_ready(config_for(url()));
  const auto body = [](this auto, Client& redis, CancelScope& scope) -> Task<void> {
    const std::vector<std::vector<std::string_view>> refused = {
        {"subscribe", "c"}, {"MONITOR"},      {"multi"},        {"BLPOP", "k", "0"},
        {"SELECT", "1"},    {"CLIENT", "KILL"}, {"quit"},       {"HELLO", "2"},
        {"XREAD", "BLOCK", "0", "STREAMS", "s", "$"},           {}};
    for (const auto& words : refused) {
      auto got = co_await redis.command(scope, words);
      EXPECT_FALSE(got);
      EXPECT_EQ(got.error().kind, ErrorKind::unsupported);
    }
  };
  run(body(*client_, scope_));
}

// --- trouble ---

TEST_F(RedisClientTest, WithoutAServerCommandsFailAtOnceAndWorkOnceItIsThere) {
  Config config = config_for(proxied_url());
  proxy_->shut_out();
  open(std::move(config));
  ASSERT_TRUE(wait_for_state(State::unreachable));
  Tally tally;
  run(echo_many(*client_, scope_, 3, tally));
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>(3, ErrorKind::unavailable));
  EXPECT_EQ(tally.maybe_executed, 0U);
  EXPECT_FALSE(client_->health().has_answered);
  proxy_->let_in();
  ASSERT_TRUE(wait_for_state(State::ready));
  run(echo_many(*client_, scope_, 3, tally));
  EXPECT_EQ(tally.right, 3U);
}

TEST_F(RedisClientTest, ARestartedServerIsFoundAgain) {
  open_ready(config_for(url()));
  servers().call({"redis", "kill"});
  ASSERT_TRUE(wait_for_state(State::unreachable));
  Tally tally;
  run(echo_many(*client_, scope_, 1, tally));
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>{ErrorKind::unavailable});
  servers().call({"redis", "start"});
  ASSERT_TRUE(wait_for_state(State::ready));
  run(echo_many(*client_, scope_, 5, tally));
  EXPECT_EQ(tally.right, 5U);
}

TEST_F(RedisClientTest, AConnectionThatBreaksFailsWhatWasInFlightAndNothingElse) {
  open_ready(config_for(proxied_url()));
  proxy_->hold_for_ever();
  Tally tally;
  const auto body = [](this auto, Client& redis, CancelScope& scope, Tally& t,
                       test::HoldingProxy& proxy) -> Task<void> {
    TaskGroup group(scope.loop());
    for (int i = 0; i < 10; ++i) {
      group.spawn(echo(redis, scope, "x", t));
    }
    while (proxy.commands_max() < 10) {
      co_await Sleep(scope, after(scope.loop().now(), milliseconds(1)));
    }
    proxy.shut_out();
    co_await group.join();
    proxy.let_in();
    proxy.let_go();
  };
  run(body(*client_, scope_, tally, *proxy_));
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>(10, ErrorKind::unavailable));
  EXPECT_EQ(tally.maybe_executed, 10U);
  ASSERT_TRUE(wait_for_state(State::ready));
  run(echo_many(*client_, scope_, 5, tally));
  EXPECT_EQ(tally.right, 5U);
}

TEST_F(RedisClientTest, AReplyThatMeansTheWrongServerMakesANewConnection) {
  for (const std::string code : {"READONLY", "LOADING", "MASTERDOWN"}) {
    open_ready(config_for(url()));
    const auto body = [](this auto, Client& redis, CancelScope& scope,
                         std::string error) -> Task<void> {
      const std::string script = "return redis.error_reply('" + error + " no')";
      const std::array<std::string_view, 0> none = {};
      auto got = co_await redis.eval(scope, script, none, none);
      EXPECT_FALSE(got);
      EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
    };
    run(body(*client_, scope_, code));
    EXPECT_TRUE(test::run_until(*loop_, [&] { return client_->counters().connects == 2; })) << code;
    EXPECT_EQ(client_->counters().lost, 1U);
    run(client_->close());
  }
}

TEST_F(RedisClientTest, AWrongPasswordIsToldApartFromAServerThatIsAway) {
  std::string wrong = url();
  wrong.replace(wrong.find("secret"), 6, "wrong!");
  open(config_for(wrong));
  ASSERT_TRUE(wait_for_state(State::password_refused));
  EXPECT_TRUE(client_->health().reason.find("WRONGPASS") != std::string::npos)
      << client_->health().reason;
  run(client_->close());
  std::string missing = url();
  missing.replace(missing.find(":secret%25%2f@"), 14, "");
  open(config_for(missing));
  ASSERT_TRUE(wait_for_state(State::password_refused)) << client_->health().reason;
}

TEST_F(RedisClientTest, APeerThatSaysNothingEndsWithTheConnectTimeout) {
  Config config = config_for(proxied_url());
  config.connect_timeout = milliseconds(50);
  proxy_->hold_for_ever();
  open(std::move(config));
  ASSERT_TRUE(wait_for_state(State::unreachable));
  EXPECT_EQ(client_->counters().connects, 0U);
}

// --- servers that are not quite Redis ---

// Answers each command with the next of its lines, then the rest at once.
class Impostor {
 public:
  explicit Impostor(std::vector<std::string> answers) : answers_(std::move(answers)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SK_ASSERT(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    SK_ASSERT(::listen(listener_, 8) == 0);
    socklen_t size = sizeof(address);
    SK_ASSERT(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~Impostor() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  [[nodiscard]] std::string url() const {
    return "redis://:pw@127.0.0.1:" + std::to_string(port_) + "/0";
  }

 private:
  void run() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) {
        return;
      }
      test::CommandCounter counter(test::Protocol::redis);
      std::size_t next = 0;
      char bytes[4096];
      for (ssize_t got; (got = ::recv(fd, bytes, sizeof(bytes), 0)) > 0;) {
        std::size_t commands = counter.add({bytes, static_cast<std::size_t>(got)});
        for (; commands > 0 && next < answers_.size(); --commands, ++next) {
          ::send(fd, answers_[next].data(), answers_[next].size(), MSG_NOSIGNAL);
        }
      }
      ::close(fd);
    }
  }

  std::vector<std::string> answers_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

TEST_F(RedisClientTest, AServerWithoutHelloIsGreetedTheOldWay) {
  const Impostor old({"-ERR unknown command 'HELLO'\r\n", "+OK\r\n", "+OK\r\n", "$6\r\ntext 0\r\n"});
  open_ready(config_for(old.url()));
  Tally tally;
  run(echo_many(*client_, scope_, 1, tally));
  EXPECT_EQ(tally.right, 1U);
  run(client_->close());
}

TEST_F(RedisClientTest, RepliesThatNobodyAskedForEndTheConnectionAndNotTheProcess) {
  // One that comes with a reply, one that comes alone, and bytes that are no RESP at all.
  for (const std::string extra : {"$6\r\ntext 0\r\n+surplus\r\n", "$6\r\ntext 0\r\n!!\r\n"}) {
    const Impostor odd({"+OK\r\n", "+OK\r\n", extra});
    open_ready(config_for(odd.url()));
    Tally tally;
    run(echo_many(*client_, scope_, 1, tally));
    EXPECT_EQ(tally.right, 1U);
    EXPECT_TRUE(test::run_until(*loop_, [&] { return client_->counters().lost >= 1; }));
    run(client_->close());
  }
  const Impostor eager({"+OK\r\n", "+OK\r\n+surplus\r\n"});
  open(config_for(eager.url()));
  EXPECT_TRUE(test::run_until(*loop_, [&] {
    return client_->counters().lost + client_->counters().connect_failures >= 1;
  }));
  run(client_->close());
}

// --- TLS ---

TEST_F(RedisClientTest, TlsChecksTheNameOfTheHost) {
  const std::string port = servers().call({"redis", "tls_port"});
  Config config = config_for(url_of(port, "rediss"));
  config.tls_ca_file = servers().call({"redis", "ca"});
  open_ready(config);  // 127.0.0.1, which the certificate names
  Tally tally;
  run(echo_many(*client_, scope_, 200, tally));
  EXPECT_EQ(tally.right, 200U) << (tally.messages.empty() ? "" : tally.messages.front());
  const auto body = [](this auto, Client& redis, CancelScope& scope) -> Task<void> {
    const std::string large(1U << 20, 'v');
    auto stored = co_await redis.set(scope, "large", large, seconds(10));
    EXPECT_TRUE(stored) << describe(stored.error());
    auto got = co_await redis.get(scope, "large");
    EXPECT_TRUE(got && got->has_value() && **got == large);
  };
  run(body(*client_, scope_));
  run(client_->close());

  Config wrong_host = config;
  wrong_host.url.replace(wrong_host.url.find("127.0.0.1"), 9, "localhost");  // which it does not
  open(wrong_host);
  ASSERT_TRUE(wait_for_state(State::unreachable));
  EXPECT_NE(client_->health().reason.find("hostname mismatch"), std::string::npos)
      << client_->health().reason;
  run(client_->close());

  Config stranger = config;
  stranger.tls_ca_file.clear();
  open(stranger);
  ASSERT_TRUE(wait_for_state(State::unreachable));
  EXPECT_NE(client_->health().reason.find("certificate is refused"), std::string::npos)
      << client_->health().reason;
  run(client_->close());

  Config missing = config;
  missing.tls_ca_file = "/nowhere/ca.pem";
  EXPECT_FALSE(Client::create(*loop_, resolver_, missing));
}

// --- URLs ---

TEST(RedisUrlTest, PartsAreFoundAndDecoded) {
  const auto full = parse_url("rediss://us%65r:p%40ss@[::1]:7000/3");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->tls);
  EXPECT_EQ(full->user, "user");
  EXPECT_EQ(full->password, "p@ss");
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->port, 7000);
  EXPECT_EQ(full->database, 3U);
  const auto bare = parse_url("redis://");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->host, "localhost");
  EXPECT_EQ(bare->port, 6379);
  const auto local = parse_url("unix:///run/redis.sock?db=2");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->socket_path, "/run/redis.sock");
  EXPECT_EQ(local->database, 2U);
}

TEST(RedisUrlTest, NonsenseIsRefused) {
  for (const char* url : {"", "http://h", "redis://h:port", "redis://h:0", "redis://h/x",
                          "redis://a%zz@h", "unix://relative/path", "redis://[::1", "redis://h?a=b"}) {
    EXPECT_FALSE(parse_url(url)) << url;
  }
}

}  // namespace
}  // namespace sk::redis
