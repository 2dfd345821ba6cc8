// Waiters that leave, servers that are late, queues that are full.
#include "tests/db/pg_client_fixture.h"

#include <gtest/gtest.h>

namespace sk::pg {
namespace {

TEST_F(PgClientTest, AWaiterThatLeavesKeepsTheOrderOfAnswers) {
  open(config_for(proxied_url()));
  ASSERT_TRUE(wait_for_state(State::ready));
  proxy_->hold_for_ever();
  Tally late;
  Tally patient;
  const auto body = [](this auto, Client& db, CancelScope& scope, Tally& t_late, Tally& t_patient,
                       test::HoldingProxy& proxy) -> Task<void> {
    TaskGroup group(scope.loop());
    TaskGroup leaving(scope.loop());
    for (std::int64_t i = 0; i < 20; ++i) {
      if (i % 2 == 0) {
        leaving.spawn(ask_until(db, scope, milliseconds(30), i, t_late));
      } else {
        group.spawn(ask(db, scope, i, t_patient));
      }
    }
    co_await leaving.join();
    EXPECT_EQ(db.in_flight(), 20U);  // their slots stay
    proxy.let_go();
    co_await group.join();
  };
  run(body(*client_, scope_, late, patient, *proxy_));
  EXPECT_EQ(late.failed, 10U);
  EXPECT_EQ(late.kinds, std::vector<ErrorKind>(10, ErrorKind::timeout));
  EXPECT_EQ(late.maybe_executed, 10U);
  EXPECT_EQ(patient.right, 10U);
  EXPECT_EQ(client_->counters().abandoned, 10U);
  EXPECT_EQ(client_->in_flight(), 0U);
  EXPECT_EQ(proxy_->connections(), 1U);
}

TEST_F(PgClientTest, AWaiterThatLeavesTheQueueWasCertainlyNotExecuted) {
  Config config = config_for(proxied_url());
  config.in_flight_max = 1;
  open(std::move(config));
  ASSERT_TRUE(wait_for_state(State::ready));
  proxy_->hold_for_ever();
  Tally tally;
  const auto body = [](this auto, Client& db, CancelScope& scope, Tally& t,
                       test::HoldingProxy& proxy) -> Task<void> {
    TaskGroup group(scope.loop());
    Tally first;
    group.spawn(ask(db, scope, 0, first));
    co_await ask_until(db, scope, milliseconds(20), 1, t);
    EXPECT_EQ(db.queued(), 0U);
    proxy.let_go();
    co_await group.join();
    EXPECT_EQ(first.right, 1U);
  };
  run(body(*client_, scope_, tally, *proxy_));
  EXPECT_EQ(tally.failed, 1U);
  EXPECT_EQ(tally.maybe_executed, 0U);
}

TEST_F(PgClientTest, TheServerStopsAStatementAtTheStatementTimeout) {
  Config config = config_for(url());
  config.statement_timeout = milliseconds(200);
  open(std::move(config));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    auto slow = co_await db.exec(scope, "select pg_sleep(5)");
    EXPECT_EQ(slow.error().kind, ErrorKind::timeout);
    auto setting = co_await db.one<std::string>(scope, "show statement_timeout");
    EXPECT_EQ(setting.value_or("?"), "200ms");
  };
  run(body(*client_, scope_));
  EXPECT_EQ(client_->counters().lost, 0U);
}

TEST_F(PgClientTest, ALaneWhoseOldestStatementIsLateIsReplacedAndNeighboursGoOn) {
  Config config = config_for(url());
  config.statement_timeout = seconds(3);
  open(std::move(config));
  ASSERT_TRUE(wait_for_state(State::ready));
  Tally behind;
  Tally later;
  const auto sleeper = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    CancelScope own(scope, after(scope.loop().now(), milliseconds(50)));
    auto slow = co_await db.exec(own, "select pg_sleep(1.5)");
    EXPECT_EQ(slow.error().kind, ErrorKind::timeout);
  };
  const auto body = [](this auto, Client& db, CancelScope& scope, Tally& t_behind, Tally& t_later,
                       const auto& sleep) -> Task<void> {
    TaskGroup group(scope.loop());
    group.spawn(sleep(db, scope));
    group.spawn(ask(db, scope, 1, t_behind));
    while (db.counters().quarantined == 0 || db.health().state != State::ready) {
      co_await Sleep(scope, after(scope.loop().now(), milliseconds(5)));
    }
    // The slow statement still runs, and yet:
    co_await ask(db, scope, 2, t_later);
    EXPECT_EQ(t_later.right, 1U);
    EXPECT_EQ(t_behind.right, 0U);
    co_await group.join();
  };
  run(body(*client_, scope_, behind, later, sleeper));
  EXPECT_EQ(behind.right, 1U) << (behind.messages.empty() ? "" : behind.messages.front());
  EXPECT_EQ(client_->counters().connects, 2U);
}

TEST_F(PgClientTest, LanesInQuarantineAreBounded) {
  Config config = config_for(url());
  config.statement_timeout = seconds(4);
  config.application_name = "quarantine";
  open(std::move(config));
  ASSERT_TRUE(wait_for_state(State::ready));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    for (std::uint64_t round = 1; round <= 3; ++round) {
      CancelScope own(scope, after(scope.loop().now(), milliseconds(20)));
      auto slow = co_await db.exec(own, "select pg_sleep(3)");
      EXPECT_EQ(slow.error().kind, ErrorKind::timeout);
      while (db.counters().quarantined < round || db.health().state != State::ready) {
        co_await Sleep(scope, after(scope.loop().now(), milliseconds(5)));
      }
    }
    EXPECT_EQ(db.counters().lost, 0U);  // those in quarantine were given up on purpose
    EXPECT_EQ(db.in_flight(), 1U);      // the youngest in quarantine; two others had to go
  };
  run(body(*client_, scope_));
}

TEST_F(PgClientTest, APeerThatNeverAnswersIsGivenUpAfterTwiceTheStatementTimeout) {
  Config config = config_for(proxied_url());
  config.statement_timeout = milliseconds(300);
  open(std::move(config));
  ASSERT_TRUE(wait_for_state(State::ready));
  proxy_->hold_for_ever();
  Tally tally;
  run(ask_many(*client_, scope_, 3, tally));
  EXPECT_EQ(tally.kinds, std::vector<ErrorKind>(3, ErrorKind::timeout));
  EXPECT_TRUE(test::run_until(*loop_, [&] { return client_->counters().lost == 1; }));
  proxy_->let_go();
  ASSERT_TRUE(wait_for_state(State::ready));
  Tally after_it;
  run(ask_many(*client_, scope_, 3, after_it));
  EXPECT_EQ(after_it.right, 3U);
}

// --- bounds ---

TEST_F(PgClientTest, AFullQueueRefusesAtOnce) {
  Config config = config_for(proxied_url());
  config.in_flight_max = 4;
  config.queue_max = 6;
  open(std::move(config));
  ASSERT_TRUE(wait_for_state(State::ready));
  proxy_->hold_for_ever();
  Tally first;
  Tally rest;
  const auto body = [](this auto, Client& db, CancelScope& scope, Tally& t_first, Tally& t_rest,
                       test::HoldingProxy& proxy) -> Task<void> {
    TaskGroup group(scope.loop());
    for (std::int64_t i = 0; i < 4; ++i) {
      group.spawn(ask(db, scope, i, t_first));
    }
    while (db.in_flight() < 4) {
      co_await Sleep(scope, after(scope.loop().now(), milliseconds(1)));
    }
    for (std::int64_t i = 4; i < 20; ++i) {
      group.spawn(ask(db, scope, i, t_rest));
    }
    while (t_rest.failed < 10) {
      co_await Sleep(scope, after(scope.loop().now(), milliseconds(1)));
    }
    EXPECT_EQ(db.queued(), 6U);
    proxy.let_go();
    co_await group.join();
  };
  run(body(*client_, scope_, first, rest, *proxy_));
  EXPECT_EQ(first.right, 4U);
  EXPECT_EQ(rest.right, 6U);
  EXPECT_EQ(rest.kinds, std::vector<ErrorKind>(10, ErrorKind::overloaded));
}

TEST_F(PgClientTest, RowsOfAMebibyteArriveWhole) {
  open(config_for(url()));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    for (int i = 0; i < 3; ++i) {
      auto text = co_await db.one<std::string>(scope, "select repeat($1, 1 << 20)", "z");
      EXPECT_EQ(text.value_or("").size(), 1U << 20);
      auto size = co_await db.one<std::int32_t>(scope, "select length($1)", *text);
      EXPECT_EQ(size.value_or(0), 1 << 20);
    }
  };
  run(body(*client_, scope_));
}

// Both ends want to send more than the sockets hold: whoever writes without reading waits for ever.
TEST_F(PgClientTest, LargeParametersAndLargeRowsInBothDirectionsAtOnceDoNotBlock) {
  open(config_for(url()));
  std::size_t whole = 0;
  const auto one = [](this auto, Client& db, CancelScope& scope, std::size_t& count) -> Task<void> {
    const std::string text(1U << 20, 'q');
    auto got = co_await db.one<std::string>(scope, "select $1", text);
    EXPECT_TRUE(got) << describe(got.error());
    count += got && *got == text ? 1 : 0;
  };
  const auto body = [](this auto, Client& db, CancelScope& scope, std::size_t& count,
                       const auto& each) -> Task<void> {
    TaskGroup group(scope.loop());
    for (int i = 0; i < 24; ++i) {
      group.spawn(each(db, scope, count));
    }
    co_await group.join();
  };
  run(body(*client_, scope_, whole, one));
  EXPECT_EQ(whole, 24U);
}

}  // namespace
}  // namespace sk::pg
