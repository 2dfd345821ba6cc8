// The environment variables that Sidekick's programs read, in one table: what they are called, what
// they take, which settings they override. Balancer and workers share one environment, so both
// judge all of it: whoever reads it first reports every mistake at once. `sidekick-lb environment`
// prints the table, docs/environment.md holds it.
//
// A variable that is set but empty means the same as one that is not set: how shells and compose
// files clear one.
#pragma once

#include "net/core/result.h"
#include "net/core/time.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sk {

enum class VariableKind : std::uint8_t {
  choice,    // one of `takes`, which are separated by |
  count,     // a whole number from least to most
  duration,  // from least to most milliseconds; "30s", or a bare number of seconds
  size,      // from least to most bytes; "64KiB"
  text,      // `takes` says what; judged by its reader
  secret,    // the same, and never repeated in a message
};

struct EnvironmentVariable {
  std::string_view name;
  VariableKind kind = VariableKind::text;
  std::int64_t least = 0;
  std::int64_t most = 0;
  std::string_view takes;
  std::string_view balancer;     // setting of sidekick.toml; empty: the balancer does not read it
  std::string_view application;  // the same for an application's file
  std::string_view note;         // what else there is to know
};

std::span<const EnvironmentVariable> environment_variables();

// "a number from 0 to 256", "auto, uring or epoll".
std::string expectation(const EnvironmentVariable& variable);

// A duration as variables have it: with a unit, or a bare number of seconds, as ECS and `docker
// stop -t` count them.
Result<Duration> parse_duration_variable(std::string_view text);

struct EnvironmentMistake {
  std::string name;
  std::string text;  // "expected a number from 0 to 256; got \"many\""
};

// Looks a variable up: nothing where it is not set.
using VariableLookup = std::function<std::optional<std::string>(const std::string& name)>;

// Every variable of the table whose value is none, in the order of the table.
std::vector<EnvironmentMistake> check_variables(const VariableLookup& look_up);

// Names that begin with SIDEKICK_ and that nobody reads, each with the nearest one. environment:
// "NAME=value" lines as in environ(7), ended by nullptr.
std::vector<EnvironmentMistake> unknown_variables(const char* const* environment);

// The table in Markdown.
std::string print_variables();

}  // namespace sk
