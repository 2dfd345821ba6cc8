// PgClientTest: a client of one loop, a real server, and a proxy where timing matters.
#pragma once

#include "net/io/event.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"

#include "db/pg/client.h"

#include "tests/db/holding_proxy.h"
#include "tests/db/servers.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sk::pg {

using std::chrono::milliseconds;
using std::chrono::seconds;

class PgClientTest : public test::LoopTest {
 protected:
  PgClientTest() : resolver_(*loop_), scope_(*loop_) {}

  static void SetUpTestSuite() {
    servers().call({"pg", "start"});
    servers().call(
        {"pg", "sql",
         "DROP TABLE IF EXISTS thing; CREATE TABLE thing (id bigint PRIMARY KEY, name text "
         "CONSTRAINT thing_name_key UNIQUE CONSTRAINT thing_name_size CHECK "
         "(length(name) < 100))"});
  }

  void TearDown() override {
    if (client_ != nullptr) {
      run(client_->close());
    }
    run(resolver_.close());
  }

  static test::Servers& servers() { return test::Servers::get(); }

  static std::string url(const std::string& more = "?sslmode=disable") {
    return servers().call({"pg", "url"}) + more;
  }

  // The same database by way of the proxy.
  std::string proxied_url() {
    const std::string port = servers().call({"pg", "port"});
    proxy_ = std::make_unique<test::HoldingProxy>(test::Protocol::postgres,
                                                  static_cast<std::uint16_t>(std::stoi(port)));
    std::string text = url();
    text.replace(text.find(":" + port + "/"), port.size() + 1,
                 ":" + std::to_string(proxy_->port()));
    return text;
  }

  static Config config_for(std::string where) {
    Config config;
    config.url = std::move(where);
    config.lanes = 1;
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

  bool wait_for_state(State state) {
    return test::run_until(*loop_, [&] { return client_->health().state == state; });
  }

  Resolver resolver_;
  CancelScope scope_;
  std::unique_ptr<test::HoldingProxy> proxy_;
  std::unique_ptr<Client> client_;
  std::vector<State> states_;
};

// What became of statements that ask for a number and expect it back.
struct Tally {
  std::size_t right = 0;
  std::size_t failed = 0;
  std::vector<ErrorKind> kinds;
  std::vector<std::string> messages;
  std::size_t maybe_executed = 0;

  void count(const Error& error) {
    ++failed;
    kinds.push_back(error.kind);
    messages.push_back(describe(error));
    maybe_executed += error.maybe_executed ? 1 : 0;
  }
};

inline Task<void> ask(Client& db, CancelScope& scope, std::int64_t value, Tally& tally) {
  auto got = co_await db.one<std::int64_t>(scope, "select $1::bigint", value);
  if (!got) {
    tally.count(got.error());
  } else if (*got == value) {
    ++tally.right;
  } else {
    ADD_FAILURE() << "asked for " << value << ", got " << *got;
  }
}

inline Task<void> ask_until(Client& db, CancelScope& scope, Duration limit, std::int64_t value,
                            Tally& tally) {
  CancelScope own(scope, after(scope.loop().now(), limit));
  co_await ask(db, own, value, tally);
}

inline Task<void> ask_many(Client& db, CancelScope& scope, std::size_t count, Tally& tally) {
  TaskGroup group(scope.loop());
  for (std::size_t i = 0; i < count; ++i) {
    group.spawn(ask(db, scope, static_cast<std::int64_t>(i), tally));
  }
  co_await group.join();
}

}  // namespace sk::pg
