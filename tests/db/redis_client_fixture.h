// RedisClientTest: a client of one loop, a real server, and a proxy where timing matters.
#pragma once

#include "net/io/event.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"

#include "db/redis/client.h"

#include "tests/db/holding_proxy.h"
#include "tests/db/servers.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sk::redis {

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
inline Task<void> echo(Client& redis, CancelScope& scope, std::string text, Tally& tally) {
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

inline Task<void> echo_until(Client& redis, CancelScope& scope, Duration limit, std::string text,
                             Tally& tally) {
  CancelScope own(scope, after(scope.loop().now(), limit));
  co_await echo(redis, own, std::move(text), tally);
}

inline Task<void> echo_many(Client& redis, CancelScope& scope, std::size_t count, Tally& tally) {
  TaskGroup group(scope.loop());
  for (std::size_t i = 0; i < count; ++i) {
    group.spawn(echo(redis, scope, "text " + std::to_string(i), tally));
  }
  co_await group.join();
}

}  // namespace sk::redis
