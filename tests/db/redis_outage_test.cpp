// Servers that go away, come back, refuse us, are impostors, or are not who they say.
#include "tests/db/redis_client_fixture.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

namespace sk::redis {
namespace {

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
  const Impostor old(
      {"-ERR unknown command 'HELLO'\r\n", "+OK\r\n", "+OK\r\n", "$6\r\ntext 0\r\n"});
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

}  // namespace
}  // namespace sk::redis
