// The table of environment variables: what is accepted, and what is said of the rest.
#include "net/core/environment.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace sk {
namespace {

VariableLookup variables_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

std::string told(std::map<std::string, std::string> variables) {
  std::string out;
  for (const EnvironmentMistake& mistake : check_variables(variables_of(std::move(variables)))) {
    out += mistake.name + ": " + mistake.text + "\n";
  }
  return out;
}

TEST(Environment, GoodAndEmptyValuesAreNoMistakes) {
  EXPECT_EQ(told({{"SIDEKICK_IO", "epoll"},
                  {"SIDEKICK_THREADS", "0"},
                  {"SIDEKICK_STOP_TIMEOUT", "60"},
                  {"SIDEKICK_KEEPALIVE_IDLE", "75s"},
                  {"SIDEKICK_BODY_LIMIT", "64KiB"},
                  {"SIDEKICK_PG_CONNECTIONS", ""},
                  {"DATABASE_URL", "anything: its reader judges"}}),
            "");
}

TEST(Environment, EveryWrongValueIsToldWithWhatIsValid) {
  EXPECT_EQ(
      told({{"SIDEKICK_IO", "kqueue"},
            {"SIDEKICK_THREADS", "-1"},
            {"SIDEKICK_WORKERS", "257"},
            {"SIDEKICK_STOP_TIMEOUT", "1s"},
            {"SIDEKICK_BODY_LIMIT", "8MB"},
            {"SIDEKICK_PG_CONNECTIONS", "17"},
            {"PGSSLMODE", "verify"}}),
      "SIDEKICK_IO: expected auto, uring or epoll; got \"kqueue\"\n"
      "SIDEKICK_THREADS: expected a number from 0 to 256; got \"-1\"\n"
      "SIDEKICK_WORKERS: expected a number from 0 to 256; got \"257\"\n"
      "SIDEKICK_STOP_TIMEOUT: expected a duration from 2s to 24h, or a number of seconds; got "
      "\"1s\"\n"
      "SIDEKICK_BODY_LIMIT: expected a size from 0B to 256MiB; got \"8MB\"\n"
      "PGSSLMODE: expected disable, allow, prefer, require, verify-ca or verify-full; got "
      "\"verify\"\n"
      "SIDEKICK_PG_CONNECTIONS: expected a number from 1 to 16; got \"17\"\n");
}

TEST(Environment, NumbersThatFitNoIntegerAreMistakesAndLongValuesAreCut) {
  EXPECT_EQ(told({{"SIDEKICK_THREADS", "99999999999999999999999"}}),
            "SIDEKICK_THREADS: expected a number from 0 to 256; got \"99999999999999999999999\"\n");
  EXPECT_LT(told({{"SIDEKICK_IO", std::string(5000, 'x')}}).size(), 200U);
}

TEST(Environment, NamesThatNobodyReadsAreToldWithTheNearestOne) {
  const char* environment[] = {"SIDEKICK_TREADS=2", "SIDEKICK_ZEBRA=1", "SIDEKICK_IO=auto",
                               "SIDEKICK_WORKER=1", "THREADS=2",        nullptr};
  const auto unknown = unknown_variables(environment);
  ASSERT_EQ(unknown.size(), 2U);
  EXPECT_EQ(unknown[0].name, "SIDEKICK_TREADS");
  EXPECT_EQ(unknown[0].text, "nobody reads this variable; did you mean SIDEKICK_THREADS?");
  EXPECT_EQ(unknown[1].name, "SIDEKICK_ZEBRA");
  EXPECT_EQ(unknown[1].text, "nobody reads this variable");
}

TEST(Environment, TheTableHasEachNameOnceAndSomebodyWhoReadsIt) {
  std::set<std::string_view> names;
  for (const EnvironmentVariable& variable : environment_variables()) {
    EXPECT_TRUE(names.insert(variable.name).second) << variable.name;
    EXPECT_FALSE(variable.balancer.empty() && variable.application.empty()) << variable.name;
    EXPECT_FALSE(expectation(variable).empty()) << variable.name;
    EXPECT_LE(variable.least, variable.most) << variable.name;
    EXPECT_NE(print_variables().find("| `" + std::string(variable.name) + "` | "),
              std::string::npos);
  }
}

}  // namespace
}  // namespace sk
