// Scenario: what is sent, how often, with which promise, and what a right answer looks like.
//
// Made by scenario_toml.h from a file, or by plan.h from the routes of sidekick.toml; the same
// shape either way. Immutable from then on, except for what `setup` captures (values.h).
#pragma once

#include "net/core/time.h"
#include "net/http/head.h"

#include "lb/config.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sk::bench {

// Where the value of ${name} comes from; drawn anew for each request.
struct Parameter {
  enum class Kind : std::uint8_t {
    range,     // a whole number, uniform over [from, to]
    choice,    // one of `choices`
    text,      // random lower-case letters and digits, `length` of them
    sequence,  // counts up from `from`, one per request: what must not repeat
    captured,  // one of what the setup requests have captured under this name
  };
  std::string name;
  Kind kind = Kind::range;
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::uint32_t length = 0;
  std::vector<std::string> choices;
  lb::ConfigPlace place;
};

// What a right answer looks like. A status that is not named here, or any other deviation, makes
// the answer wrong; where statuses is empty, 200 to 399 are right.
struct Expectation {
  std::vector<std::uint16_t> statuses;
  std::vector<std::pair<std::string, std::string>> headers;  // name, whole value
  std::string body;                                          // stands somewhere in it
  // Field ("status", "item.id", "items.0.id") and its value as JSON; an empty value: any.
  std::vector<std::pair<std::string, std::string>> json;

  [[nodiscard]] bool looks_at_body() const { return !body.empty() || !json.empty(); }
};

struct ScenarioRequest {
  std::string name;   // unique; the row of the table
  std::string route;  // path of the route in sidekick.toml whose budget it has; may be empty
  std::string method = "GET";
  std::string host;  // Host, where it is not the target's
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  double rate = 0;  // per second; filled in from weight where the scenario has a total rate
  double weight = 0;
  std::optional<lb::BudgetConfig> budget;
  Expectation expect;
  lb::ConfigPlace place;
};

// Sent before the runs, one after the other, `repeat` times.
struct SetupRequest {
  ScenarioRequest request;
  std::uint32_t repeat = 1;
  // Parameter name and the field of the JSON answer whose value is kept for it.
  std::vector<std::pair<std::string, std::string>> capture;
};

struct Scenario {
  std::string name;
  std::string file;    // empty: made from the configuration
  std::string target;  // may be empty
  double rate = 0;     // in total, shared out by weight; 0: each request has its own
  std::vector<Parameter> parameters;
  std::vector<SetupRequest> setup;
  std::vector<ScenarioRequest> requests;
};

}  // namespace sk::bench
