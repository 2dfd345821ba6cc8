// Commands through the client, against a real server: replies, pipelining, deadlines, bounds.
#include "tests/db/redis_client_fixture.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace sk::redis {
namespace {

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
        {"subscribe", "c"},
        {"MONITOR"},
        {"multi"},
        {"BLPOP", "k", "0"},
        {"SELECT", "1"},
        {"CLIENT", "KILL"},
        {"quit"},
        {"HELLO", "2"},
        {"XREAD", "BLOCK", "0", "STREAMS", "s", "$"},
        {}};
    for (const auto& words : refused) {
      auto got = co_await redis.command(scope, words);
      EXPECT_FALSE(got);
      EXPECT_EQ(got.error().kind, ErrorKind::unsupported);
    }
  };
  run(body(*client_, scope_));
}

}  // namespace
}  // namespace sk::redis
