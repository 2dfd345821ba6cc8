// PostgreSQL through the client: against a real server, and through a proxy where timing matters.
#include "db/pg/client.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "net/core/struct_fields.h"
#include "net/io/event.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"
#include "tests/db/holding_proxy.h"
#include "tests/db/servers.h"
#include "tests/support/loop_test.h"

namespace sk::pg {

struct Everything {
  std::int16_t small;
  std::int32_t medium;
  std::int64_t large;
  bool flag;
  double real;
  std::string text;
  Timestamp time;
  Json document;
  std::optional<std::string> nothing;
};
SK_FIELDS(Everything, small, medium, large, flag, real, text, time, document, nothing)

struct Pair {
  std::int64_t id;
  std::string name;
};
SK_FIELDS(Pair, id, name)

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class PgClientTest : public test::LoopTest {
 protected:
  PgClientTest() : resolver_(*loop_), scope_(*loop_) {}

  static void SetUpTestSuite() {
    servers().call({"pg", "start"});
    servers().call({"pg", "sql",
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
    text.replace(text.find(":" + port + "/"), port.size() + 1, ":" + std::to_string(proxy_->port()));
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

TEST_F(PgClientTest, ValuesOfEveryTypeComeBackAsTheyWent) {
  open(config_for(url()));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    const Everything sent{.small = -3,
                          .medium = 2'000'000'000,
                          .large = -9'000'000'000'000'000'000,
                          .flag = true,
                          .real = -0.1,
                          .text = "h\xc3\xa9llo \"quoted\"",
                          .time = Timestamp(std::chrono::microseconds(-1)),
                          .document = {R"({"a": [1, 2]})"},
                          .nothing = std::nullopt};
    auto got = co_await db.one<Everything>(
        scope,
        "select $1::int2, $2::int4, $3::int8, $4::bool, $5::float8, $6::text, $7::timestamptz, "
        "$8::jsonb, $9::text",
        sent.small, sent.medium, sent.large, sent.flag, sent.real, sent.text, sent.time,
        sent.document, sent.nothing);
    EXPECT_TRUE(got) << describe(got.error());
    if (!got) {
      co_return;
    }
    EXPECT_EQ(got->small, sent.small);
    EXPECT_EQ(got->medium, sent.medium);
    EXPECT_EQ(got->large, sent.large);
    EXPECT_EQ(got->flag, sent.flag);
    EXPECT_EQ(got->real, sent.real);
    EXPECT_EQ(got->text, sent.text);
    EXPECT_EQ(got->time, sent.time);
    EXPECT_EQ(got->document, sent.document);
    EXPECT_FALSE(got->nothing.has_value());
    // What the server thinks they are.
    auto text = co_await db.one<std::string>(scope, "select to_char($1::timestamptz at time zone "
                                             "'UTC', 'YYYY-MM-DD HH24:MI:SS.US')", sent.time);
    EXPECT_EQ(text.value_or("?"), "1969-12-31 23:59:59.999999");
  };
  run(body(*client_, scope_));
}

TEST_F(PgClientTest, RowsThatDoNotFitTheTypeAreAMismatchThatNamesTheColumn) {
  open(config_for(url()));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    auto wrong_type = co_await db.one<Pair>(scope, "select 1::bigint as id, 2::bigint as name");
    EXPECT_EQ(wrong_type.error().kind, ErrorKind::type_mismatch);
    EXPECT_NE(wrong_type.error().message.find("column 2 (\"name\")"), std::string::npos);
    auto null = co_await db.one<Pair>(scope, "select 1::bigint as id, null::text as name");
    EXPECT_EQ(null.error().kind, ErrorKind::type_mismatch);
    EXPECT_NE(null.error().message.find("std::optional"), std::string::npos);
    auto columns = co_await db.many<Pair>(scope, "select 1::bigint");
    EXPECT_EQ(columns.error().kind, ErrorKind::type_mismatch);
    auto none = co_await db.one<Pair>(scope, "select 1::bigint, 'x'::text where false");
    EXPECT_EQ(none.error().kind, ErrorKind::no_rows);
    auto absent = co_await db.opt<Pair>(scope, "select 1::bigint, 'x'::text where false");
    EXPECT_TRUE(absent && !absent->has_value());
    auto several = co_await db.one<std::int64_t>(scope, "select generate_series(1, 3)::bigint");
    EXPECT_EQ(several.error().kind, ErrorKind::too_many_rows);
    auto all = co_await db.many<std::int64_t>(scope, "select generate_series(1, 3)");
    EXPECT_EQ(all.value_or(std::vector<std::int64_t>()), (std::vector<std::int64_t>{1, 2, 3}));
  };
  run(body(*client_, scope_));
}

TEST_F(PgClientTest, ViolationsNameTheirConstraintAndExecCountsRows) {
  open(config_for(url()));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    const std::string_view insert = "insert into thing (id, name) values ($1, $2)";
    auto cleared = co_await db.exec(scope, "delete from thing");
    EXPECT_TRUE(cleared);
    auto first = co_await db.exec(scope, insert, std::int64_t{1}, "one");
    EXPECT_EQ(first.value_or(0), 1U);
    auto again = co_await db.exec(scope, insert, std::int64_t{2}, "one");
    EXPECT_EQ(again.error().kind, ErrorKind::unique_violation);
    EXPECT_EQ(again.error().constraint, "thing_name_key");
    EXPECT_EQ(again.error().sqlstate(), "23505");
    EXPECT_FALSE(again.error().maybe_executed);
    auto size = co_await db.exec(scope, insert, std::int64_t{3}, std::string(100, 'x'));
    EXPECT_EQ(size.error().kind, ErrorKind::check_violation);
    EXPECT_EQ(size.error().constraint, "thing_name_size");
    auto syntax = co_await db.exec(scope, "selekt");
    EXPECT_EQ(syntax.error().kind, ErrorKind::rejected);
    EXPECT_EQ(syntax.error().sqlstate(), "42601");
  };
  run(body(*client_, scope_));
}

// --- pipelining ---

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

Task<void> ask(Client& db, CancelScope& scope, std::int64_t value, Tally& tally) {
  auto got = co_await db.one<std::int64_t>(scope, "select $1::bigint", value);
  if (!got) {
    tally.count(got.error());
  } else if (*got == value) {
    ++tally.right;
  } else {
    ADD_FAILURE() << "asked for " << value << ", got " << *got;
  }
}

Task<void> ask_until(Client& db, CancelScope& scope, Duration limit, std::int64_t value,
                     Tally& tally) {
  CancelScope own(scope, after(scope.loop().now(), limit));
  co_await ask(db, own, value, tally);
}

Task<void> ask_many(Client& db, CancelScope& scope, std::size_t count, Tally& tally) {
  TaskGroup group(scope.loop());
  for (std::size_t i = 0; i < count; ++i) {
    group.spawn(ask(db, scope, static_cast<std::int64_t>(i), tally));
  }
  co_await group.join();
}

TEST_F(PgClientTest, RepliesWithheldUntilTwentyStatementsArrivedOnOneConnectionDoNotStall) {
  open(config_for(proxied_url()));
  ASSERT_TRUE(wait_for_state(State::ready));
  proxy_->hold_until(20);
  Tally tally;
  run(ask_many(*client_, scope_, 20, tally));
  EXPECT_EQ(tally.right, 20U);
  EXPECT_GE(proxy_->commands_max(), 20U);
}

TEST_F(PgClientTest, AThousandConcurrentStatementsGetTheirOwnAnswers) {
  Config config = config_for(url());
  config.lanes = 2;
  config.queue_max = 2000;
  open(std::move(config));
  Tally tally;
  run(ask_many(*client_, scope_, 1000, tally));
  EXPECT_EQ(tally.right, 1000U);
  EXPECT_EQ(client_->counters().answered, 1000U);
}

TEST_F(PgClientTest, AStatementThatFailsInTheMiddleDoesNotTouchItsNeighbours) {
  open(config_for(proxied_url()));
  ASSERT_TRUE(wait_for_state(State::ready));
  proxy_->hold_until(21);
  Tally tally;
  ErrorKind kind{};
  const auto fail_once = [](this auto, Client& db, CancelScope& scope, ErrorKind& out) -> Task<void> {
    auto got = co_await db.one<std::int32_t>(scope, "select 1 / $1::int4", 0);
    EXPECT_FALSE(got);
    out = got.error().kind;
    EXPECT_EQ(got.error().sqlstate(), "22012");
  };
  const auto body = [](this auto, Client& db, CancelScope& scope, Tally& t, ErrorKind& out,
                       const auto& failing) -> Task<void> {
    TaskGroup group(scope.loop());
    for (std::int64_t i = 0; i < 10; ++i) {
      group.spawn(ask(db, scope, i, t));
    }
    group.spawn(failing(db, scope, out));
    for (std::int64_t i = 10; i < 20; ++i) {
      group.spawn(ask(db, scope, i, t));
    }
    co_await group.join();
  };
  run(body(*client_, scope_, tally, kind, fail_once));
  EXPECT_EQ(kind, ErrorKind::rejected);
  EXPECT_EQ(tally.right, 20U);
}

TEST_F(PgClientTest, ASyntaxErrorIsReportedToEveryoneWhoSentIt) {
  open(config_for(proxied_url()));
  ASSERT_TRUE(wait_for_state(State::ready));
  proxy_->hold_until(5);
  std::vector<std::string> states;
  const auto one = [](this auto, Client& db, CancelScope& scope,
                      std::vector<std::string>& out) -> Task<void> {
    auto got = co_await db.exec(scope, "select from nowhere_at_all");
    EXPECT_FALSE(got);
    out.emplace_back(got.error().sqlstate());
  };
  const auto body = [](this auto, Client& db, CancelScope& scope, std::vector<std::string>& out,
                       const auto& each) -> Task<void> {
    TaskGroup group(scope.loop());
    for (int i = 0; i < 5; ++i) {
      group.spawn(each(db, scope, out));
    }
    co_await group.join();
  };
  run(body(*client_, scope_, states, one));
  EXPECT_EQ(states, std::vector<std::string>(5, "42P01"));
}

// --- deadlines ---

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
    EXPECT_EQ(db.in_flight(), 1U);        // the youngest in quarantine; two others had to go
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

// --- prepared statements ---

TEST_F(PgClientTest, AStatementIsPreparedOncePerConnectionAndTheOldestLeavesAFullCache) {
  Config config = config_for(url());
  config.statements_max = 2;
  open(std::move(config));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    for (int round = 0; round < 3; ++round) {
      auto a = co_await db.one<std::int32_t>(scope, "select 1");
      auto b = co_await db.one<std::int64_t>(scope, "select count(*) from pg_prepared_statements");
      EXPECT_EQ(b.value_or(0), 2);
    }
    EXPECT_EQ(db.counters().prepared, 2U);
    auto c = co_await db.one<std::int32_t>(scope, "select 3");  // "select 1" leaves
    auto b = co_await db.one<std::int64_t>(scope, "select count(*) from pg_prepared_statements");
    EXPECT_EQ(b.value_or(0), 2);
    EXPECT_EQ(db.counters().prepared, 3U);
  };
  run(body(*client_, scope_));
}

TEST_F(PgClientTest, AChangedResultTypeIsPreparedAnewWithoutAnErrorToTheCaller) {
  open(config_for(url()));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    auto ignored = co_await db.exec(scope, "drop table if exists shape");
    ignored = co_await db.exec(scope, "create table shape (v int)");
    ignored = co_await db.exec(scope, "insert into shape values (7)");
    auto before = co_await db.one<std::int32_t>(scope, "select * from shape");
    EXPECT_EQ(before.value_or(0), 7);
    ignored = co_await db.exec(scope, "alter table shape alter v type bigint");
    EXPECT_TRUE(ignored);
    auto now = co_await db.one<std::int64_t>(scope, "select * from shape");
    EXPECT_TRUE(now) << describe(now.error());
    EXPECT_EQ(now.value_or(0), 7);
  };
  run(body(*client_, scope_));
  EXPECT_EQ(client_->counters().lost, 0U);
}

// A statement that runs DEALLOCATE from within a function gets past the check of the text, as a
// pooler that changes servers does.
TEST_F(PgClientTest, AStatementThatTheServerForgotIsPreparedAnewWithoutAnErrorToTheCaller) {
  open(config_for(url()));
  Tally tally;
  const auto body = [](this auto, Client& db, CancelScope& scope, Tally& t) -> Task<void> {
    co_await ask(db, scope, 1, t);
    auto forget = co_await db.exec(scope, "do $$ begin execute 'deallocate all'; end $$");
    EXPECT_TRUE(forget) << describe(forget.error());
    co_await ask_many(db, scope, 10, t);
  };
  run(body(*client_, scope_, tally));
  EXPECT_EQ(tally.right, 11U) << (tally.messages.empty() ? "" : tally.messages.front());
  EXPECT_EQ(client_->counters().lost, 0U);
}

TEST_F(PgClientTest, StatementsThatWouldChangeTheSessionAreRefused) {
  open(config_for(url()));
  const auto body = [](this auto, Client& db, CancelScope& scope) -> Task<void> {
    const std::vector<std::string> refused = {
        "begin",           " START TRANSACTION",   "commit",           "rollback",
        "set x = 1",       "-- c\n discard all",   "/* a /* b */ */deallocate all",
        "listen x",        "copy thing to stdout", "declare c cursor for select 1",
        "; Lock thing",    "prepare p as select 1"};
    for (const std::string& sql : refused) {
      auto got = co_await db.exec(scope, sql);
      EXPECT_FALSE(got) << sql;
      EXPECT_EQ(got.error().kind, ErrorKind::unsupported) << sql;
    }
    auto fine = co_await db.exec(scope, "/* begin */ select 'begin'");
    EXPECT_TRUE(fine);
  };
  run(body(*client_, scope_));
}

// --- trouble ---

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
    auto tls = co_await db.one<bool>(
        scope, "select ssl from pg_stat_ssl where pid = pg_backend_pid()");
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
