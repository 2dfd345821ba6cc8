#include "lb/config_messages.h"

#include "bench/scenario/request_template.h"
#include "bench/scenario/scenario_toml.h"

#include <gtest/gtest.h>

#include <set>

namespace sk::bench {
namespace {

Scenario read(std::string_view toml) {
  lb::ConfigMessages messages;
  Scenario scenario = read_scenario(toml, "scenario.toml", messages);
  EXPECT_FALSE(messages.has_errors()) << messages.format("scenario.toml");
  return scenario;
}

TEST(RequestTemplate, AConstantRequestIsWrittenWhole) {
  const Scenario scenario = read(R"([[request]]
method = "POST"
path = "/v1/items"
body = "{}"
headers = { Content-Type = "application/json" }
)");
  const Values values(scenario.parameters);
  RequestTemplate what(scenario.requests[0], "here:80", "", values);
  const std::string bytes(what.render(1, 1));
  EXPECT_TRUE(
      bytes.starts_with("POST /v1/items HTTP/1.1\r\nHost: here:80\r\nUser-Agent: sidekick-bench/"));
  EXPECT_TRUE(bytes.ends_with("\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"));
  EXPECT_EQ(bytes.find("Sidekick-Timing"), std::string::npos);
  RequestTemplate timed(scenario.requests[0], "here:80", "secret words", values);
  EXPECT_NE(timed.render(1, 1).find("\r\nSidekick-Timing: secret words\r\n"),
            std::string_view::npos);
}

TEST(RequestTemplate, ValuesDependOnSeedAndNumberAloneAndAreTheSameThroughoutARequest) {
  const Scenario scenario = read(R"([parameters]
id = { range = [1, 1000000] }
[[request]]
path = "/items/${id}"
body = "id=${id}"
)");
  const Values values(scenario.parameters);
  RequestTemplate what(scenario.requests[0], "h", "", values);
  std::set<std::string> seen;
  for (std::uint64_t sequence = 0; sequence < 50; ++sequence) {
    const std::string bytes(what.render(9, sequence));
    const std::string id = what.render_path(9, sequence).substr(7);
    EXPECT_NE(bytes.find("GET /items/" + id + " "), std::string::npos);
    EXPECT_TRUE(bytes.ends_with("\r\n\r\nid=" + id));
    seen.insert(id);
  }
  EXPECT_GT(seen.size(), 45U);
  const std::string third(what.render(9, 3));
  EXPECT_NE(what.render(10, 3), third);
  EXPECT_EQ(what.render(9, 3), third);
}

TEST(RequestTemplate, WhatAPathMayNotHoldIsEncodedThereAndNowhereElse) {
  const Scenario scenario = read(R"([parameters]
word = { choose = ["a b/ü"] }
[[request]]
path = "/find?q=${word}"
body = "${word}"
)");
  const Values values(scenario.parameters);
  RequestTemplate what(scenario.requests[0], "h", "", values);
  const std::string bytes(what.render(1, 1));
  EXPECT_NE(bytes.find("GET /find?q=a%20b%2F%C3%BC HTTP/1.1\r\n"), std::string::npos);
  EXPECT_TRUE(bytes.ends_with("\r\n\r\na b/ü"));
}

TEST(Values, SequencesNeverRepeatOverPhases) {
  const Scenario scenario = read("[parameters]\nn = { count_from = 100 }\n");
  Values values(scenario.parameters);
  std::set<std::string> seen;
  for (const std::int64_t shift : {0, 10}) {
    values.shift_sequences(shift);
    for (std::uint64_t sequence = 0; sequence < 10; ++sequence) {
      std::string value;
      values.draw(value, 0, 1, sequence);
      seen.insert(value);
    }
  }
  EXPECT_EQ(seen.size(), 20U);
  EXPECT_EQ(*seen.begin(), "100");
}

}  // namespace
}  // namespace sk::bench
