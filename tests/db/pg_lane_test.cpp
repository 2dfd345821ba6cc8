// One lane without the client in front of it, which would refuse what these tests send.
#include "net/io/resolver.h"
#include "net/io/task_group.h"

#include "db/pg/client.h"
#include "db/pg/connection.h"
#include "db/pg/lane.h"

#include "tests/db/servers.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sk::pg {
namespace {

using std::chrono::seconds;

// Sends every statement on its one lane and flushes at the end of the turn.
class OneLane final : public Executor, public LaneOwner, private ReadyNode {
 public:
  explicit OneLane(Loop& loop) : Executor(seconds(5)), ReadyNode(turn_ended), loop_(loop) {}

  void use(std::unique_ptr<Lane> lane) { lane_ = std::move(lane); }
  Lane& lane() { return *lane_; }
  void drop() { lane_.reset(); }

  void lane_left(Lane&, bool is_broken, const std::string& why) override {
    ++left;
    broken = is_broken;
    reason = why;
  }
  void lane_has_room(Lane&) override {}
  void send_again(Query& query) override {
    query.fail(make_error(ErrorKind::unavailable, "sent again"));
  }

  int left = 0;
  bool broken = false;
  std::string reason;

 private:
  void submit(Query& query) override {
    if (!lane_->has_room()) {
      query.fail(make_error(ErrorKind::overloaded, "no room"));
      return;
    }
    lane_->send(query);
    loop_.at_turn_end(*this);
  }
  void withdraw(Query& query) override { lane_->withdraw(query); }
  static void turn_ended(ReadyNode& node) { static_cast<OneLane&>(node).lane_->flush(); }

  Loop& loop_;
  std::unique_ptr<Lane> lane_;
};

class PgLaneTest : public test::LoopTest {
 protected:
  PgLaneTest() : resolver_(*loop_), scope_(*loop_), serving_(*loop_), one_(*loop_) {}

  static void SetUpTestSuite() { test::Servers::get().call({"pg", "start"}); }

  void SetUp() override {
    config_.url = test::Servers::get().call({"pg", "url"}) + "?sslmode=disable";
    settings_ = make_settings(config_).value();
    run(connect_lane());
    ASSERT_TRUE(one_.lane().in_service());
    serving_.spawn(one_.lane().serve(scope_));
  }

  void TearDown() override {
    scope_.cancel();
    run(serving_.join());
    one_.drop();
    run(resolver_.close());
  }

  Task<void> connect_lane() {
    const Instant until = after(loop_->now(), seconds(5));
    Result<Connection> made = co_await connect(*loop_, resolver_, settings_, scope_, until);
    EXPECT_TRUE(made) << describe(made.error());
    auto lane = std::make_unique<Lane>(one_, *loop_, config_, counters_, std::move(*made));
    EXPECT_TRUE(lane->enter_pipeline());
    one_.use(std::move(lane));
  }

  struct Outcome {
    bool ok = false;
    ErrorKind kind{};
    std::string message;
  };

  static Task<void> ask(OneLane& one, CancelScope& scope, std::string sql, Outcome& out) {
    auto got = co_await one.exec(scope, sql);
    out.ok = got.has_value();
    if (!got) {
      out.kind = got.error().kind;
      out.message = got.error().message;
    }
  }

  static Task<void> ask_all(OneLane& one, CancelScope& scope, std::vector<std::string> texts,
                            std::vector<Outcome>& out) {
    TaskGroup group(scope.loop());
    out.resize(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) {
      group.spawn(ask(one, scope, texts[i], out[i]));
    }
    co_await group.join();
  }

  Resolver resolver_;
  CancelScope scope_;
  TaskGroup serving_;
  Config config_;
  ConnectionSettings settings_;
  Counters counters_;
  OneLane one_;
};

TEST_F(PgLaneTest, ALaneInATransactionIsClosedAndWhatFollowedTheBeginIsNotTakenForDone) {
  std::vector<Outcome> outcomes;
  run(ask_all(one_, scope_,
              {"select 1", "begin", "create table never_committed (x int)", "select 2"}, outcomes));
  EXPECT_TRUE(outcomes[0].ok);
  EXPECT_TRUE(outcomes[1].ok);
  // The server did these, but inside a transaction that nobody will commit.
  EXPECT_FALSE(outcomes[2].ok);
  EXPECT_EQ(outcomes[2].kind, ErrorKind::unavailable);
  EXPECT_FALSE(outcomes[3].ok);
  EXPECT_EQ(one_.left, 1);
  EXPECT_TRUE(one_.broken);
  EXPECT_NE(one_.reason.find("transaction"), std::string::npos) << one_.reason;
}

TEST_F(PgLaneTest, AnErrorAtTheCommitBelongsToItsStatement) {
  std::vector<Outcome> outcomes;
  run(ask_all(one_, scope_, {"drop table if exists late"}, outcomes));
  run(ask_all(one_, scope_, {"create table late (x int unique deferrable initially deferred)"},
              outcomes));
  run(ask_all(
      one_, scope_,
      {"insert into late values (1)", "insert into late values (1)", "insert into late values (2)"},
      outcomes));
  EXPECT_TRUE(outcomes[0].ok);
  EXPECT_FALSE(outcomes[1].ok);  // the INSERT succeeded, the commit at its Sync did not
  EXPECT_EQ(outcomes[1].kind, ErrorKind::unique_violation);
  EXPECT_TRUE(outcomes[2].ok);
  EXPECT_EQ(one_.left, 0);
}

TEST_F(PgLaneTest, CopyIsAnErrorOfItsStatement) {
  std::vector<Outcome> outcomes;
  run(ask_all(one_, scope_, {"copy (select 1) to stdout", "select 1"}, outcomes));
  EXPECT_FALSE(outcomes[0].ok);
  EXPECT_GE(one_.left + static_cast<int>(outcomes[1].ok), 1);
}

TEST_F(PgLaneTest, ALaneThatIsFullHasNoRoom) {
  std::vector<std::string> texts(config_.in_flight_max + 1, "select 1");
  std::vector<Outcome> outcomes;
  run(ask_all(one_, scope_, texts, outcomes));
  EXPECT_TRUE(outcomes.front().ok);
  EXPECT_EQ(outcomes.back().kind, ErrorKind::overloaded);
}

}  // namespace
}  // namespace sk::pg
