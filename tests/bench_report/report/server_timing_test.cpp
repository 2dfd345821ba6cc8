#include "bench/report/server_timing.h"

#include <gtest/gtest.h>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace sk::bench {
namespace {

std::vector<std::pair<std::string, std::int64_t>> read(std::string_view field) {
  std::array<TimedStage, 8> room;
  std::vector<std::pair<std::string, std::int64_t>> stages;
  for (std::size_t i = 0, count = read_server_timing(field, room); i < count; ++i) {
    stages.emplace_back(room[i].name, room[i].duration.count());
  }
  return stages;
}

using Stages = std::vector<std::pair<std::string, std::int64_t>>;

TEST(ServerTiming, TellsNamesAndDurationsInOrder) {
  EXPECT_EQ(
      read("route;dur=0.021, worker_wait;dur=0.081, pg;dur=51.377, total;dur=51.905"),
      (Stages{
          {"route", 21'000}, {"worker_wait", 81'000}, {"pg", 51'377'000}, {"total", 51'905'000}}));
}

TEST(ServerTiming, DescriptionsMayHoldCommasQuotesAndSemicolons) {
  EXPECT_EQ(read(R"(db;desc="a, b; \"dur=9\"";dur=1.5 ,cache ; DUR = "2")"),
            (Stages{{"db", 1'500'000}, {"cache", 2'000'000}}));
}

TEST(ServerTiming, WhatDoesNotFitIsLeftOut) {
  for (const char* field :
       {"", ",", ";", "miss", "a;dur", "a;dur=", "a;dur=x", "a;dur=1x", "a;dur=-1", "a;dur=nan",
        "a;dur=inf", "a;dur=1e300", "a b;dur=1", "\xff;dur=1", "<i>;dur=1", "\"a\";dur=1",
        "a;desc=\"unterminated;dur=1"}) {
    EXPECT_EQ(read(field), Stages{}) << field;
  }
  EXPECT_EQ(read("bad name;dur=1, good;dur=2"), (Stages{{"good", 2'000'000}}));
  EXPECT_EQ(read(std::string(65, 'a') + ";dur=1"), Stages{});
}

TEST(ServerTiming, NoMoreStagesThanThereIsRoomFor) {
  std::string field;
  for (int i = 0; i < 100; ++i) {
    field += "s" + std::to_string(i) + ";dur=1,";
  }
  EXPECT_EQ(read(field).size(), 8U);
}

TEST(ServerTiming, AnyBytesAreRead) {
  std::mt19937_64 random(1);
  constexpr std::string_view kAlphabet = "ab;,=\"\\ dur.019-e\t\xff";
  for (int i = 0; i < 20'000; ++i) {
    std::string field;
    for (std::size_t length = random() % 40; length > 0; --length) {
      field += kAlphabet[random() % kAlphabet.size()];
    }
    for (const auto& [name, duration] : read(field)) {
      EXPECT_FALSE(name.empty()) << field;
      EXPECT_GE(duration, 0) << field;
    }
  }
}

}  // namespace
}  // namespace sk::bench
