#include "bench/scenario/plan.h"

#include <gtest/gtest.h>

namespace sk::bench {
namespace {

using std::chrono_literals::operator""ms;

lb::RouteConfig route(std::string host, std::string path, std::optional<std::uint32_t> rate) {
  lb::RouteConfig made;
  made.host = std::move(host);
  made.path = std::move(path);
  made.budget.emplace();
  made.budget->p99 = 40ms;
  made.budget->rate = rate;
  return made;
}

TEST(Plan, EachRouteWithABudgetIsAskedForItsPath) {
  lb::Config config;
  config.routes = {route("", "/v1/*", 100), route("*.example.com", "/*", 7)};
  config.routes.emplace_back().path = "/no-budget";
  lb::ConfigMessages messages;
  const auto plan = make_plan(std::nullopt, &config, 0, true, messages);
  ASSERT_TRUE(plan.has_value()) << messages.format("f");
  ASSERT_EQ(plan->requests.size(), 2U);
  EXPECT_EQ(plan->requests[0].path, "/v1/");
  EXPECT_EQ(plan->requests[0].rate, 100);
  EXPECT_EQ(plan->requests[0].budget->p99, 40ms);
  EXPECT_EQ(plan->requests[1].path, "/");
  EXPECT_EQ(plan->requests[1].host, "bench.example.com");
}

TEST(Plan, ARequestHasTheBudgetOfTheFirstRouteItsPathFallsOn) {
  lb::Config config;
  config.routes = {route("other.example.com", "/*", 1), route("", "/v1/items/*", 50),
                   route("", "/*", 3)};
  config.routes[1].budget->p99 = 8ms;
  Scenario scenario;
  scenario.requests.resize(2);
  scenario.requests[0].path = "/v1/items/7?full=1";
  scenario.requests[1].path = "/v1/items";
  scenario.requests[1].rate = 9;
  lb::ConfigMessages messages;
  const auto plan = make_plan(scenario, &config, 0, true, messages);
  ASSERT_TRUE(plan.has_value()) << messages.format("f");
  EXPECT_EQ(plan->requests[0].budget->p99, 8ms);
  EXPECT_EQ(plan->requests[0].rate, 50);
  EXPECT_EQ(plan->requests[1].budget->p99, 40ms);
  EXPECT_EQ(plan->requests[1].rate, 9) << "its own rate comes first";
}

TEST(Plan, WhatHasNoRateGetsTheOneThatWasTypedOrIsRefused) {
  lb::Config config;
  config.routes = {route("", "/*", std::nullopt)};
  lb::ConfigMessages messages;
  const auto plan = make_plan(std::nullopt, &config, 12.5, true, messages);
  ASSERT_TRUE(plan.has_value());
  EXPECT_EQ(plan->requests[0].rate, 12.5);
  EXPECT_FALSE(make_plan(std::nullopt, &config, 0, true, messages).has_value());
  EXPECT_NE(messages.format("f").find("has no rate"), std::string::npos);
}

TEST(Plan, ARouteThatIsNotThereIsNamedWithTheNearestOne) {
  lb::Config config;
  config.file = "sidekick.toml";
  config.routes = {route("", "/v1/items/*", 50)};
  Scenario scenario;
  scenario.requests.resize(1);
  scenario.requests[0].route = "/v1/itmes/*";
  scenario.requests[0].rate = 1;
  lb::ConfigMessages messages;
  EXPECT_FALSE(make_plan(scenario, &config, 0, true, messages).has_value());
  const std::string text = messages.format("f");
  EXPECT_NE(text.find("there is no route \"/v1/itmes/*\" in sidekick.toml"), std::string::npos)
      << text;
  EXPECT_NE(text.find("did you mean \"/v1/items/*\"?"), std::string::npos) << text;
}

}  // namespace
}  // namespace sk::bench
