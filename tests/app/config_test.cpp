#include "app/command_line.h"
#include "app/config.h"
#include "app/config_setting.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

namespace sk::app {
namespace {

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const char* name) -> const char* {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
}

TEST(AppConfig, EverythingHasADefault) {
  const ConfigResult result = load_config("", environment_of({}));
  EXPECT_TRUE(result.mistakes.empty());
  EXPECT_EQ(result.config.listen, "0.0.0.0:7500");
  EXPECT_FALSE(result.config.database.enabled);
  EXPECT_FALSE(result.config.redis.enabled);
}

TEST(AppConfig, ReadsEverySetting) {
  const ConfigResult result = read_config(R"(
listen = "[::1]:80"
io = "epoll"
stop_timeout = "1.5s"
request_deadline = "2m"
body_limit = "64KiB"
connections_max = 10
[log]
requests = "errors"
[database]
url = "host=/run/pg dbname=x"
lanes = 3
in_flight_max = 7
queue_max = 8
statement_timeout = "250ms"
connect_timeout = "1s"
[redis]
url = "redis://localhost"
command_timeout = "10ms"
connect_timeout = "20ms"
tls_ca = "/ca.pem"
[cache]
ttl = "1h"
negative_ttl = "1s"
loads_max = 9
[settings]
greeting = "hello"
size = 5
)",
                                          "app.toml", environment_of({}));
  EXPECT_EQ(format(result.mistakes), "");
  const Config& config = result.config;
  EXPECT_EQ(config.listen, "[::1]:80");
  EXPECT_EQ(config.io, IoChoice::epoll);
  EXPECT_EQ(config.stop_timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(config.request_deadline, std::chrono::minutes(2));
  EXPECT_EQ(config.body_limit_bytes, 65536U);
  EXPECT_EQ(config.connections_max, 10U);
  EXPECT_EQ(config.log_requests, RequestLog::errors);
  EXPECT_TRUE(config.database.enabled);
  EXPECT_EQ(config.database.lanes, 3U);
  EXPECT_EQ(config.database.in_flight_max, 7U);
  EXPECT_EQ(config.database.queue_max, 8U);
  EXPECT_EQ(config.database.statement_timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(config.redis.command_timeout, std::chrono::milliseconds(10));
  EXPECT_EQ(config.cache.ttl, std::chrono::hours(1));
  EXPECT_EQ(config.cache.loads_max, 9U);
  EXPECT_EQ(config.settings.at("greeting"), "hello");
  EXPECT_EQ(config.settings.at("size"), "5");
}

TEST(AppConfig, FiveMistakesAreFiveMessagesWithTheirPlaces) {
  const ConfigResult result = read_config(R"(listen = "7500"
[databse]
lanes = 1
[database]
lanes = 99
url = "mysql://secret@x"
[cache]
ttl = 60
)",
                                          "app.toml", environment_of({}));
  EXPECT_EQ(format(result.mistakes).find("secret"), std::string::npos);
  ASSERT_EQ(result.mistakes.size(), 5U) << format(result.mistakes);
  const std::string text = format(result.mistakes);
  EXPECT_NE(text.find("app.toml:3:1: databse.lanes: there is no such setting; did you mean "
                      "database.lanes?"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("app.toml:5:1: database.lanes: expected a whole number from 1 to 16, not 99"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("app.toml:8:1: cache.ttl: expected a duration"), std::string::npos) << text;
}

TEST(AppConfig, BrokenTomlNamesItsPlace) {
  const ConfigResult result = read_config("listen = \n", "app.toml", environment_of({}));
  ASSERT_EQ(result.mistakes.size(), 1U);
  EXPECT_EQ(result.mistakes[0].line, 1U);
}

TEST(AppConfig, TheEnvironmentWinsOverTheFile) {
  const auto environment = environment_of({{"DATABASE_URL", "postgres://u@h/d"},
                                           {"REDIS_URL", "rediss://r:6380/1"},
                                           {"SIDEKICK_IO", "epoll"},
                                           {"SIDEKICK_STOP_TIMEOUT", "20"},
                                           {"PORT", "3000"}});
  const ConfigResult result = read_config("io = \"uring\"\n", "app.toml", environment);
  EXPECT_EQ(format(result.mistakes), "");
  EXPECT_EQ(result.config.database.url, "postgres://u@h/d");
  EXPECT_EQ(result.config.redis.url, "rediss://r:6380/1");
  EXPECT_EQ(result.config.io, IoChoice::epoll);
  EXPECT_EQ(result.config.listen, "0.0.0.0:3000");
  EXPECT_EQ(result.config.stop_timeout, std::chrono::seconds(20));
}

TEST(AppConfig, PgVariablesMeanADatabaseWithoutUrl) {
  const ConfigResult result = load_config("", environment_of({{"PGHOST", "db"}}));
  EXPECT_TRUE(result.config.database.enabled);
  EXPECT_EQ(result.config.database.url, "");
}

TEST(AppConfig, WrongVariablesAreNamed) {
  const ConfigResult result =
      load_config("", environment_of({{"SIDEKICK_IO", "kqueue"}, {"REDIS_URL", "http://x"}}));
  ASSERT_EQ(result.mistakes.size(), 2U);
  EXPECT_EQ(result.mistakes[0].source, "environment SIDEKICK_IO");
  EXPECT_EQ(result.mistakes[1].source, "environment REDIS_URL");
}

TEST(AppConfig, AMissingFileIsAMistake) {
  const ConfigResult result = load_config("/nonexistent/app.toml", environment_of({}));
  ASSERT_EQ(result.mistakes.size(), 1U);
  EXPECT_NE(result.mistakes[0].text.find("No such file"), std::string::npos);
}

TEST(AppConfig, ListenAddressesAreChecked) {
  for (const char* good : {"0.0.0.0:7500", "[::]:80", "localhost:1", "unix:/run/a.sock", "h:0"}) {
    EXPECT_EQ(check_listen(good), "") << good;
  }
  for (const char* bad : {"", "7500", ":80", "::1:80", "h:65536", "h:", "unix:a", "h:-1"}) {
    EXPECT_NE(check_listen(bad), "") << bad;
  }
  EXPECT_NE(check_listen("unix:/" + std::string(107, 'x')), "");
}

TEST(AppConfig, EveryVariableOfTheTableSetsItsSetting) {
  const ConfigResult result =
      load_config("", environment_of({{"SIDEKICK_LISTEN", "[::]:80"},
                                      {"SIDEKICK_KEEPALIVE_IDLE", "80"},
                                      {"SIDEKICK_REQUEST_DEADLINE", "50s"},
                                      {"SIDEKICK_CONNECTIONS_MAX", "7"},
                                      {"SIDEKICK_BUFFERS", "64"},
                                      {"SIDEKICK_BODY_LIMIT", "2MiB"},
                                      {"SIDEKICK_REQUIRE", "database,redis"},
                                      {"SIDEKICK_PG_CONNECTIONS", "2"},
                                      {"SIDEKICK_PG_IN_FLIGHT_MAX", "3"},
                                      {"SIDEKICK_PG_QUEUE_MAX", "4"},
                                      {"SIDEKICK_PG_CONNECT_TIMEOUT", "2"},
                                      {"SIDEKICK_PG_STATEMENT_TIMEOUT", "1500ms"},
                                      {"SIDEKICK_REDIS_CA", "/ca.pem"},
                                      {"SIDEKICK_REDIS_CONNECT_TIMEOUT", "2s"},
                                      {"SIDEKICK_REDIS_COMMAND_TIMEOUT", "50ms"},
                                      {"SIDEKICK_CACHE_TTL", "1m"}}));
  EXPECT_EQ(format(result.mistakes), "");
  const Config& config = result.config;
  EXPECT_EQ(config.listen, "[::]:80");
  EXPECT_EQ(config.idle_timeout, std::chrono::seconds(80));
  EXPECT_EQ(config.request_deadline, std::chrono::seconds(50));
  EXPECT_EQ(config.connections_max, 7U);
  EXPECT_EQ(config.buffers, 64U);
  EXPECT_EQ(config.body_limit_bytes, 2U << 20);
  EXPECT_TRUE(config.database.required);
  EXPECT_TRUE(config.redis.required);
  EXPECT_EQ(config.database.lanes, 2U);
  EXPECT_EQ(config.database.in_flight_max, 3U);
  EXPECT_EQ(config.database.queue_max, 4U);
  EXPECT_EQ(config.database.connect_timeout, std::chrono::seconds(2));
  EXPECT_EQ(config.database.statement_timeout, std::chrono::milliseconds(1500));
  EXPECT_EQ(config.redis.tls_ca, "/ca.pem");
  EXPECT_EQ(config.redis.connect_timeout, std::chrono::seconds(2));
  EXPECT_EQ(config.redis.command_timeout, std::chrono::milliseconds(50));
  EXPECT_EQ(config.cache.ttl, std::chrono::minutes(1));
}

TEST(AppConfig, AWorkerDividesTheMemoryThatIsMeantForIt) {
  const auto with = [](std::string_view toml, const char* memory) {
    return read_config(toml, "app.toml", environment_of({{"SIDEKICK_WORKER_MEMORY", memory}}))
        .config;
  };
  EXPECT_EQ(with("", "134217728").bodies_max_bytes, 32U << 20);
  EXPECT_EQ(with("", "134217728").buffers, 512U);
  EXPECT_EQ(with("", "1").bodies_max_bytes, 1U << 20);
  EXPECT_EQ(with("", "1").buffers, 64U);
  EXPECT_EQ(with("", "much").buffers, 1024U);
  EXPECT_EQ(with("bodies_max = \"2MiB\"\n", "134217728").bodies_max_bytes, 2U << 20);
}

TEST(AppConfig, WhatIsRequiredCanBeTakenBackByTheEnvironment) {
  constexpr std::string_view kFile = "[database]\nrequired = true\n[redis]\nrequired = true\n";
  const Config both = read_config(kFile, "app.toml", environment_of({})).config;
  EXPECT_TRUE(both.database.required && both.redis.required);
  const auto with = [&](const char* value) {
    return read_config(kFile, "app.toml", environment_of({{"SIDEKICK_REQUIRE", value}}));
  };
  EXPECT_FALSE(with("none").config.database.required);
  EXPECT_FALSE(with("database").config.redis.required);
  EXPECT_EQ(format(with("postgres").mistakes),
            "environment SIDEKICK_REQUIRE: expected database, redis, both with a comma between, or "
            "none; not postgres\n");
}

TEST(AppConfig, AWrongUrlOfARequiredServiceIsTroubleAndNoMistake) {
  const auto environment = environment_of(
      {{"DATABASE_URL", "mysql://u:geheim@h/d"}, {"REDIS_URL_FILE", "/nonexistent/redis-url"}});
  const ConfigResult strict = load_config("", environment);
  EXPECT_EQ(strict.mistakes.size(), 2U) << format(strict.mistakes);
  const ConfigResult required = read_config(
      "[database]\nrequired = true\n[redis]\nrequired = true\n", "app.toml", environment);
  EXPECT_EQ(format(required.mistakes), "");
  EXPECT_FALSE(required.config.database.enabled);
  EXPECT_NE(required.config.database.trouble.find("environment DATABASE_URL: "), std::string::npos);
  EXPECT_EQ(required.config.database.trouble.find("geheim"), std::string::npos);
  EXPECT_NE(required.config.redis.trouble.find(
                "environment REDIS_URL_FILE: /nonexistent/redis-url cannot be read (No such file"),
            std::string::npos)
      << required.config.redis.trouble;
}

TEST(AppConfig, ASecretMayBeInAFile) {
  const std::string path = testing::TempDir() + "/database-url";
  std::ofstream(path) << "postgres://u:p@h/d\n";
  const ConfigResult result =
      load_config("", environment_of({{"DATABASE_URL_FILE", path.c_str()}}));
  EXPECT_EQ(format(result.mistakes), "");
  EXPECT_EQ(result.config.database.url, "postgres://u:p@h/d");
  EXPECT_TRUE(result.config.database.enabled);
  std::ofstream(path, std::ios::trunc) << "\n";
  EXPECT_NE(format(load_config("", environment_of({{"DATABASE_URL_FILE", path.c_str()}})).mistakes)
                .find("is empty: it must hold DATABASE_URL"),
            std::string::npos);
}

TEST(AppConfig, PrintedSettingsReadBackAndHoldNoSecret) {
  const ConfigResult first =
      load_config("", environment_of({{"DATABASE_URL", "postgres://u:geheim@h/d"},
                                      {"SIDEKICK_PG_CONNECTIONS", "3"}}));
  const std::string printed = print_settings(first.config, false);
  EXPECT_EQ(printed.find("geheim"), std::string::npos);
  EXPECT_NE(printed.find("database.lanes = 3\n"), std::string::npos) << printed;
  EXPECT_NE(print_settings(first.config, true).find("\"database.lanes\":3,"), std::string::npos);
  const std::string defaults = print_settings(Config{}, false);
  std::string readable;
  std::istringstream lines(defaults);
  for (std::string line; std::getline(lines, line);) {
    readable += line.ends_with("= \"\"") ? "" : line + "\n";
  }
  EXPECT_EQ(format(read_config(readable, "printed", environment_of({})).mistakes), "") << readable;
}

TEST(CommandLine, KnowsItsOptionsAndCommands) {
  const char* serve[] = {"app", "--listen", "127.0.0.1:0", "--config", "x.toml"};
  const auto result = parse_command_line(5, serve, "app", "1");
  ASSERT_TRUE(result.command_line.has_value());
  EXPECT_EQ(result.command_line->command, Command::serve);
  EXPECT_EQ(result.command_line->listen, "127.0.0.1:0");
  EXPECT_EQ(result.command_line->config_file, "x.toml");
  const char* migrate[] = {"app", "--config", "x", "migrate"};
  EXPECT_EQ(parse_command_line(4, migrate, "app", "1").command_line->command, Command::migrate);
  const char* check[] = {"app", "check", "--json"};
  const auto checked = parse_command_line(3, check, "app", "1");
  EXPECT_EQ(checked.command_line->command, Command::check);
  EXPECT_TRUE(checked.command_line->json);
  const char* wrong[] = {"app", "--bogus"};
  EXPECT_EQ(parse_command_line(2, wrong, "app", "1").exit_code, 2);
  const char* version[] = {"app", "--version"};
  const auto printed = parse_command_line(2, version, "app", "1");
  EXPECT_FALSE(printed.command_line.has_value());
  EXPECT_EQ(printed.exit_code, 0);
}

}  // namespace
}  // namespace sk::app
