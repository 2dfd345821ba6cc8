// Servers that go away, come back, refuse us, or are not who they say.
#include "tests/db/pg_client_fixture.h"

#include <gtest/gtest.h>

namespace sk::pg {
namespace {

TEST_F(PgClientTest, AKilledBackendFailsWhatWasInFlightAndTheNextStatementWorks) {
  open(config_for(url()));
  ASSERT_TRUE(wait_for_state(State::ready));
  Tally tally;
  const auto suicide = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    auto got = co_await db.exec(scope, "select pg_terminate_backend(pg_backend_pid())");
    EXPECT_FALSE(got);
    EXPECT_EQ(got.error().kind, ErrorKind::unavailable);
    EXPECT_TRUE(got.error().maybe_executed);
  };
  const auto body = [](this auto, Client& db, CancelScope& scope, Tally& t,
                       const auto& kill) -> Task<void> {
    co_await ask(db, scope, 1, t);
    co_await kill(db, scope);
    co_await ask(db, scope, 2, t);
  };
  run(body(*client_, scope_, tally, suicide));
  EXPECT_EQ(tally.right, 2U) << (tally.messages.empty() ? "" : tally.messages.front());
  EXPECT_EQ(client_->counters().lost, 1U);
  EXPECT_EQ(client_->counters().connects, 2U);
}

TEST_F(PgClientTest, AServerThatHasBecomeAStandbyIsLeft) {
  open(config_for(url()));
  ASSERT_TRUE(wait_for_state(State::ready));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    auto refused = co_await db.exec(
        scope, "do $$ begin raise exception 'read-only' using errcode = '25006'; end $$");
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::unavailable);
    EXPECT_FALSE(refused.error().maybe_executed);
    auto next = co_await db.one<std::int32_t>(scope, "select 1");
    EXPECT_EQ(next.value_or(0), 1);
  };
  run(body(*client_, scope_));
  EXPECT_EQ(client_->counters().lost, 1U);
  EXPECT_EQ(client_->counters().connects, 2U);
}

TEST_F(PgClientTest, WithoutAServerStatementsFailAtOnceAndWorkOnceItIsThere) {
  Config config = config_for(proxied_url());
  proxy_->shut_out();
  open(std::move(config));
  ASSERT_TRUE(wait_for_state(State::unreachable));
  EXPECT_FALSE(client_->health().has_answered);
  EXPECT_FALSE(client_->health().reason.empty());
  Tally tally;
  run(ask_many(*client_, scope_, 3, tally));
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>(3, ErrorKind::unavailable));
  EXPECT_EQ(tally.maybe_executed, 0U);
  proxy_->let_in();
  ASSERT_TRUE(wait_for_state(State::ready));
  EXPECT_TRUE(client_->health().has_answered);
  run(ask_many(*client_, scope_, 3, tally));
  EXPECT_EQ(tally.right, 3U);
  EXPECT_EQ(states_, (std::vector<State>{State::unreachable, State::ready}));
}

TEST_F(PgClientTest, ARestartedServerIsFoundAgain) {
  open(config_for(url()));
  ASSERT_TRUE(wait_for_state(State::ready));
  servers().call({"pg", "stop"});
  ASSERT_TRUE(wait_for_state(State::unreachable));
  Tally tally;
  run(ask_many(*client_, scope_, 1, tally));
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>{ErrorKind::unavailable});
  servers().call({"pg", "start"});
  ASSERT_TRUE(wait_for_state(State::ready));
  run(ask_many(*client_, scope_, 5, tally));
  EXPECT_EQ(tally.right, 5U);
}

TEST_F(PgClientTest, AConnectionThatBreaksUnderLoadFailsWhatWasInFlightAndNothingElse) {
  open(config_for(proxied_url()));
  ASSERT_TRUE(wait_for_state(State::ready));
  proxy_->hold_for_ever();
  Tally tally;
  const auto body = [](this auto, Client& db, CancelScope& scope, Tally& t,
                       test::HoldingProxy& proxy) -> Task<void> {
    TaskGroup group(scope.loop());
    for (std::int64_t i = 0; i < 10; ++i) {
      group.spawn(ask(db, scope, i, t));
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
  run(ask_many(*client_, scope_, 5, tally));
  EXPECT_EQ(tally.right, 5U);
}

TEST_F(PgClientTest, AWrongPasswordIsToldApartFromAServerThatIsAway) {
  std::string wrong = url();
  wrong.insert(wrong.find('@'), "x");
  open(config_for(wrong));
  ASSERT_TRUE(wait_for_state(State::password_refused));
  EXPECT_NE(client_->health().reason.find("password authentication failed"), std::string::npos)
      << client_->health().reason;
  EXPECT_EQ(client_->health().reason.find(wrong.substr(13, 20)), std::string::npos);
  Tally tally;
  run(ask_many(*client_, scope_, 1, tally));
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>{ErrorKind::unavailable});
}

TEST_F(PgClientTest, ConnectingToAPeerThatSaysNothingEndsWithTheConnectTimeout) {
  Config config = config_for(proxied_url());
  config.connect_timeout = milliseconds(100);
  proxy_->hold_for_ever();
  open(std::move(config));
  Tally tally;
  run(ask_many(*client_, scope_, 1, tally));  // waits for the first attempt
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>{ErrorKind::unavailable});
  EXPECT_EQ(client_->health().state, State::unreachable);
}

TEST_F(PgClientTest, AMalformedUrlIsRefusedWithItsReason) {
  Result<std::unique_ptr<Client>> made =
      Client::create(*loop_, resolver_, config_for("postgresql://u:secret@h:port/x?wrong=1"));
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("the database URL is wrong"), std::string::npos);
}

// --- TLS ---

TEST_F(PgClientTest, TlsChecksTheNameOfTheHost) {
  const std::string ca = servers().call({"pg", "ca"});
  const std::string verify = "?sslmode=verify-full&sslrootcert=" + ca;
  open(config_for(url(verify)));  // 127.0.0.1, which the certificate names
  ASSERT_TRUE(wait_for_state(State::ready));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    auto tls =
        co_await db.one<bool>(scope, "select ssl from pg_stat_ssl where pid = pg_backend_pid()");
    EXPECT_TRUE(tls.value_or(false));
    for (int i = 0; i < 3; ++i) {
      auto text = co_await db.one<std::string>(scope, "select repeat('z', 1 << 20)");
      EXPECT_EQ(text.value_or("").size(), 1U << 20);
    }
    Tally tally;
    co_await ask_many(db, scope, 60, tally);
    EXPECT_EQ(tally.right, 60U);
  };
  run(body(*client_, scope_));
  run(client_->close());

  std::string wrong = url(verify);
  wrong.replace(wrong.find("127.0.0.1"), 9, "localhost");  // which it does not
  open(config_for(wrong));
  ASSERT_TRUE(wait_for_state(State::unreachable));
  EXPECT_NE(client_->health().reason.find("does not match host name"), std::string::npos)
      << client_->health().reason;
}

}  // namespace
}  // namespace sk::pg
