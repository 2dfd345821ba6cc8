// Statements through the client, against a real server: values, errors, pipelining, preparation.
#include "net/core/struct_fields.h"

#include "tests/db/pg_client_fixture.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

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
    auto text = co_await db.one<std::string>(scope,
                                             "select to_char($1::timestamptz at time zone "
                                             "'UTC', 'YYYY-MM-DD HH24:MI:SS.US')",
                                             sent.time);
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
  const auto fail_once = [](this auto, Client& db, CancelScope& scope,
                            ErrorKind& out) -> Task<void> {
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
    const std::vector<std::string> refused = {"begin",
                                              " START TRANSACTION",
                                              "commit",
                                              "rollback",
                                              "set x = 1",
                                              "-- c\n discard all",
                                              "/* a /* b */ */deallocate all",
                                              "listen x",
                                              "copy thing to stdout",
                                              "declare c cursor for select 1",
                                              "; Lock thing",
                                              "prepare p as select 1"};
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

}  // namespace
}  // namespace sk::pg
