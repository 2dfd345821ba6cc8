// The configuration: what is read, what is refused and with which words.
#include "net/core/nearest_name.h"

#include "lb/config_address.h"
#include "lb/config_check.h"
#include "lb/config_environment.h"
#include "lb/config_messages.h"
#include "lb/config_print.h"
#include "lb/config_toml.h"
#include "lb/drain_plan.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <map>
#include <string>

namespace sk::lb {
namespace {

struct Read {
  Config config;
  ConfigMessages messages;
  std::string text() const { return messages.format("t.toml"); }
};

Read read(std::string_view toml) {
  Read result;
  result.config = read_config(toml, "t.toml", result.messages);
  check_config(result.config, result.messages);
  return result;
}

constexpr std::string_view kMinimal = R"(
[[listener]]
address = "127.0.0.1:7500"
[[upstream]]
name = "app"
endpoints = ["127.0.0.1:3000"]
[[route]]
upstream = "app"
)";

constexpr std::string_view kDocumented = R"(
[server]
stop_timeout = "30s"
threads = 0
io = "auto"

[log]
requests = "both"

[[listener]]
address = "[::]:443"
tls = { certificates = [{ cert = "/etc/sidekick/tls/site.pem", key = "/etc/sidekick/tls/site.key" }] }

[[listener]]
address = "[::]:80"
redirect_https = 443

[[upstream]]
name = "app"
workers = { command = ["/usr/bin/sidekick-app", "--config", "/etc/sidekick/app.toml"], count = 0 }

[[upstream]]
name = "legacy"
endpoints = ["10.0.3.7:8080", "unix:/run/legacy.sock", "dns://legacy.internal:8080"]

[[upstream]]
name = "node"
workers = { command = ["node", "server.js"], protocol = "http1", count = 2, env = { NODE_ENV = "production" } }

[[route]]
host = "api.example.com"
path = "/v1/*"
upstream = "app"
budget = { p50 = "8ms", p99 = "40ms", deadline = "250ms", rate = 400 }

[[route]]
host = "*.example.com"
upstream = "legacy"

[[route]]
upstream = "node"
)";

TEST(Config, TheDocumentedExampleIsRead) {
  const Read result = read(kDocumented);
  EXPECT_EQ(result.text(), "");
  const Config& config = result.config;
  EXPECT_EQ(config.server.stop_timeout, 30s);
  ASSERT_EQ(config.listeners.size(), 2U);
  ASSERT_TRUE(config.listeners[0].tls.has_value());
  EXPECT_EQ(config.listeners[0].tls->certificates.at(0).key, "/etc/sidekick/tls/site.key");
  EXPECT_EQ(config.listeners[1].redirect_https, 443);
  ASSERT_EQ(config.upstreams.size(), 3U);
  EXPECT_EQ(config.upstreams[0].workers->command.size(), 3U);
  EXPECT_EQ(config.upstreams[1].endpoints[1].address.kind, ConfigAddress::Kind::unix_path);
  EXPECT_EQ(config.upstreams[1].endpoints[2].address.host, "legacy.internal");
  EXPECT_EQ(config.upstreams[2].workers->protocol, WorkerProtocol::http1);
  EXPECT_EQ(config.upstreams[2].workers->env.at(0).second, "production");
  ASSERT_EQ(config.routes.size(), 3U);
  EXPECT_EQ(config.routes[0].budget->deadline, Duration(250ms));
  EXPECT_EQ(config.routes[0].budget->rate, 400U);
}

TEST(Config, DefaultsAreThoseOfTheEdgeProfile) {
  const Read result = read(kMinimal);
  EXPECT_EQ(result.text(), "");
  const LimitsConfig& limits = result.config.listeners.at(0).limits;
  EXPECT_EQ(limits.h1.request_line_bytes, 8192U);
  EXPECT_EQ(limits.h1.header_total_bytes, 32768U);
  EXPECT_EQ(limits.h1.header_fields, 100U);
  EXPECT_EQ(limits.header_timeout, 10s);
  EXPECT_EQ(limits.idle_timeout, 75s);
  EXPECT_EQ(limits.requests_per_connection, 10'000U);
  EXPECT_EQ(result.config.routes.at(0).body_bytes, 8U << 20);
  EXPECT_EQ(result.config.routes.at(0).response_header_timeout, 15s);
  EXPECT_EQ(result.config.upstreams.at(0).connect_timeout, 1s);
}

TEST(Config, ProfileBehindAlbRaisesHeadersAndLimitsOverrideIt) {
  const Read result = read(R"(
[[listener]]
address = "0.0.0.0:7500"
limits = { header_total = "128KiB" }
profile = "behind-alb"
trusted_proxies = ["10.0.0.0/16", "2001:db8::/32"]
[[upstream]]
name = "a"
endpoints = ["unix:/run/a.sock"]
[[route]]
upstream = "a"
)");
  EXPECT_EQ(result.text(), "");
  EXPECT_EQ(result.config.listeners[0].limits.h1.header_field_bytes, 16U << 10);
  EXPECT_EQ(result.config.listeners[0].limits.h1.header_total_bytes, 128U << 10);
  EXPECT_EQ(to_string(result.config.listeners[0].trusted_proxies.at(1)), "2001:db8::/32");
}

TEST(Config, FiveMistakesGiveFiveMessagesEachWithPlaceAndWayOut) {
  const Read result = read(R"([server]
stop_timeout = 30
tread = 2

[[listener]]
address = "0.0.0.0"

[[upstream]]
name = "app"
workers = { comand = ["/usr/bin/sidekick-app"], protocol = "htp1" }

[[route]]
upstream = "ap"
budget = { p50 = "40ms", p99 = "8ms" }
)");
  const std::string text = result.text();
  EXPECT_EQ(
      text,
      R"x(t.toml:2:16: error: server.stop_timeout: expected a duration such as "250ms", "30s" or "1m"; got 30
t.toml:3:1: error: server.tread: there is no such setting, did you mean "threads"?
t.toml:6:11: error: listener.address: the port is missing: 0.0.0.0:80 or [::]:443; got "0.0.0.0"
t.toml:10:11: error: upstream.workers.command: is required here
t.toml:10:13: error: upstream.workers.comand: there is no such setting, did you mean "command"?
t.toml:10:60: error: upstream.workers.protocol: expected "link" or "http1"; got "htp1", did you mean "http1"?
t.toml:13:12: error: route.upstream: there is no upstream "ap", did you mean "app"?
t.toml:14:10: error: route.budget.p99: 8ms is less than p50, 40ms; a higher percentile is never faster
)x");
}

TEST(Config, ASyntaxErrorIsReportedAloneWithItsPlace) {
  ConfigMessages messages;
  read_config("[server]\nthreads = = 1\n", "t.toml", messages);
  ASSERT_EQ(messages.error_count(), 1U);
  EXPECT_EQ(messages.all()[0].place.line, 2U);
  EXPECT_TRUE(messages.all()[0].text.starts_with("not TOML: ")) << messages.all()[0].text;
}

TEST(Config, AnUnreadableFileIsOneLine) {
  ConfigMessages messages;
  EXPECT_FALSE(load_config("/nonexistent/sidekick.toml", process_environment(), messages));
  EXPECT_EQ(
      messages.format("/nonexistent/sidekick.toml"),
      "/nonexistent/sidekick.toml: error: cannot be read: No such file or directory (ENOENT); "
      "give the right file with --config\n");
}

// One bad file each; the message must contain the words.
TEST(Config, ADeadlineBelowP999IsOnlyWarnedOf) {
  const Read result =
      read(std::string(kMinimal) + "budget = { p999 = \"40ms\", deadline = \"39ms\" }");
  EXPECT_FALSE(result.messages.has_errors());
  EXPECT_NE(result.text().find("39ms is less than p999, 40ms, which can so never be missed"),
            std::string::npos)
      << result.text();
}

TEST(Config, ASecretIsNeverPrinted) {
  const std::string secret = "open-sesame-0123456";
  const std::string text = "[server]\ntiming_secret = \"" + secret + "\"\n" + std::string(kMinimal);
  const Read result = read(text);
  EXPECT_EQ(result.text(), "");
  EXPECT_EQ(result.config.server.timing_secret, secret);
  for (const std::string& printed : {print_toml(result.config), print_json(result.config)}) {
    EXPECT_EQ(printed.find(secret), std::string::npos);
    EXPECT_NE(printed.find("(hidden)"), std::string::npos);
  }
  EXPECT_TRUE(read(print_toml(result.config)).messages.has_errors())
      << "nobody must run with the placeholder as the secret";
}

struct Bad {
  const char* toml;
  const char* words;
};

class BadConfig : public testing::TestWithParam<Bad> {};

TEST_P(BadConfig, IsRefusedWithAWayOut) {
  const Read result = read(GetParam().toml);
  EXPECT_TRUE(result.messages.has_errors());
  EXPECT_NE(result.text().find(GetParam().words), std::string::npos) << GetParam().toml << "\n"
                                                                     << result.text();
}

#define LISTEN "[[listener]]\naddress = \"127.0.0.1:80\"\n"
#define UP "[[upstream]]\nname = \"a\"\nendpoints = [\"127.0.0.1:1\"]\n"
#define ROUTE "[[route]]\nupstream = \"a\"\n"

INSTANTIATE_TEST_SUITE_P(
    Cases, BadConfig,
    testing::Values(
        Bad{"", "listener: there is none"}, Bad{LISTEN, "route: there is none"},
        Bad{"[listener]\naddress = \"127.0.0.1:80\"\n" UP ROUTE, "[[listener]], with two brackets"},
        Bad{"[[listeners]]\n", "did you mean \"listener\"?"},
        Bad{LISTEN LISTEN UP ROUTE, "127.0.0.1:80 is taken by the listener of line 1"},
        Bad{LISTEN UP UP ROUTE, "is the name of the upstream of line 3 too"},
        Bad{LISTEN "[[upstream]]\nname = \"a\"\n" ROUTE, "has neither workers nor endpoints"},
        Bad{LISTEN UP "workers = { command = [\"x\"] }\n" ROUTE, "has workers and endpoints"},
        Bad{LISTEN "[[upstream]]\nname = \"a\"\nworkers = { command = [] }\n" ROUTE,
            "expected the program and its arguments"},
        Bad{LISTEN UP "[[route]]\n", "route.upstream: is required here"},
        Bad{LISTEN UP ROUTE "budget = {}\n", "states nothing"},
        Bad{LISTEN UP ROUTE "budget = { p99 = \"40 parsecs\" }\n", "expected a duration such as"},
        Bad{LISTEN UP ROUTE "budget = { p99 = \"40ms\", p999 = \"39ms\" }\n",
            "39ms is less than p99, 40ms"},
        Bad{LISTEN UP ROUTE "budget = { p99 = \"40ms\", deadline = \"39ms\" }\n",
            "39ms is less than p99, 40ms: more than one request in a hundred"},
        Bad{LISTEN UP ROUTE "budget = { p99 = 40 }\n", "expected a duration such as"},
        Bad{LISTEN UP ROUTE "budget = { p50 = \"40ms\", deadline = \"39ms\" }\n",
            "39ms is less than p50, 40ms: half of the requests would be cut off"},
        Bad{"budget = { p99 = \"40ms\" }\n" LISTEN UP ROUTE, "a budget belongs to a route"},
        Bad{LISTEN UP ROUTE "[[budget]]\np99 = \"40ms\"\n", "under its [[route]]"},
        Bad{"[server]\ntiming_secret = \"short\"\n" LISTEN UP ROUTE, "expected 16 to 256 visible"},
        Bad{"[server]\ntiming_secret = \"with spaces in it it has\"\n" LISTEN UP ROUTE,
            "without spaces"},
        Bad{LISTEN "server_timing = \"local\"\n" UP ROUTE, "expected \"off\", \"secret\" or"},
        Bad{LISTEN "server_timing = \"loopback\"\ntrusted_proxies = [\"127.0.0.0/8\"]\n" UP ROUTE,
            "brings requests of others"},
        Bad{LISTEN UP ROUTE "budget = { deadline = \"10m\" }\n", "is more than total_timeout, 5m"},
        Bad{LISTEN UP ROUTE "budget = { p99 = \"1ms\", rate = 0 }\n", "expected a number from 1"},
        Bad{LISTEN UP ROUTE "budget = { p98 = \"1ms\" }\n", "did you mean \"p99\"?"},
        Bad{LISTEN UP ROUTE "total_timeout = \"1s\"\n", "is more than total_timeout, 1s"},
        Bad{LISTEN UP ROUTE "path = \"v1\"\n", "\"v1\" is not a path"},
        Bad{LISTEN UP ROUTE "path = \"/v*/x\"\n", "is not a path"},
        Bad{LISTEN UP ROUTE "host = \"https://x\"\n", "is not a host"},
        Bad{LISTEN UP ROUTE "host = \"x:80\"\n", "without scheme and port"},
        Bad{LISTEN UP ROUTE "body_limit = \"8MB\"\n", "expected a size such as"},
        Bad{LISTEN UP ROUTE "body_limit = 8\n", "expected a size such as"},
        Bad{LISTEN "redirect_https = true\n" UP ROUTE, "expected the port of https"},
        Bad{LISTEN
            "redirect_https = 443\ntls = { certificates = [{cert=\"a\",key=\"b\"}] }\n" UP ROUTE,
            "has no sense on a listener with tls"},
        Bad{LISTEN "tls = { certificates = [] }\n" UP ROUTE, "expected a list of { cert"},
        Bad{LISTEN "tls = { certificates = [{ cert = \"a\" }] }\n" UP ROUTE, "key: is required"},
        Bad{LISTEN
            "tls = { certificates = [{cert=\"a\",key=\"b\"},{cert=\"c\",key=\"d\"}] }\n" UP ROUTE,
            "one certificate per listener"},
        Bad{LISTEN "tls = {}\n" UP ROUTE, "listener.tls.certificates: is required here"},
        Bad{LISTEN "profile = \"behind-alb\"\nlimits = { idle_timeout = \"60s\" }\n" UP ROUTE,
            "is not longer than the 60s an ALB"},
        Bad{LISTEN "profile = \"alb\"\n" UP ROUTE, "expected \"edge\" or \"behind-alb\""},
        Bad{LISTEN "limits = { header_field = \"64KiB\" }\n" UP ROUTE,
            "is more than header_total, 32KiB"},
        Bad{LISTEN "limits = { header_fields = 0 }\n" UP ROUTE, "expected a number from 1 to 200"},
        Bad{LISTEN "limits = { idle_timeout = \"0s\" }\n" UP ROUTE, "expected a duration from"},
        Bad{LISTEN "trusted_proxies = [\"10.0.0.1/8\"]\n" UP ROUTE, "bits beyond its length"},
        Bad{LISTEN "trusted_proxies = \"10.0.0.0/8\"\n" UP ROUTE, "expected networks"},
        Bad{"[[listener]]\naddress = \"localhost:80\"\n" UP ROUTE, "a name is written dns://"},
        Bad{"[[listener]]\naddress = \"dns://localhost:80\"\n" UP ROUTE, "not a name"},
        Bad{"[[listener]]\naddress = \"127.0.0.1:65536\"\n" UP ROUTE, "number from 1 to 65535"},
        Bad{"[[listener]]\naddress = \"::1:80\"\n" UP ROUTE, "stands in brackets"},
        Bad{"[[listener]]\naddress = \"unix:a.sock\"\n" UP ROUTE, "needs an absolute path"},
        Bad{"[admin]\naddress = \"0.0.0.0:9900\"\n" LISTEN UP ROUTE, "reachable from outside"},
        Bad{"[admin]\naddress = \"127.0.0.1:80\"\n" LISTEN UP ROUTE, "is the admin address too"},
        Bad{"[server]\nio = \"io_uring\"\n" LISTEN UP ROUTE, "\"auto\", \"uring\" or \"epoll\""},
        Bad{"[server]\nthreads = -1\n" LISTEN UP ROUTE, "expected a number from 0 to 256"},
        Bad{"server = 3\n" LISTEN UP ROUTE, "expected a table"},
        Bad{LISTEN UP ROUTE "[[upstream]]\nname = \"b\"\nendpoints = [\"10.0.0.1\"]\n",
            "the port is missing"},
        Bad{LISTEN
            "[[upstream]]\nname = \"a\"\nendpoints = [\"10.0.0.1:1\", \"10.0.0.1:1\"]\n" ROUTE,
            "stands there twice"},
        Bad{LISTEN "[[upstream]]\nname = \"a\"\nworkers = { command = [\"x\"], backoff_min = "
                   "\"2m\" }\n" ROUTE,
            "2m is more than backoff_max, 30s"}));

TEST(Config, WarningsDoNotRefuse) {
  const Read result = read(LISTEN UP ROUTE ROUTE "host = \"x.example\"\n");
  EXPECT_FALSE(result.messages.has_errors());
  EXPECT_NE(result.text().find("warning: route: never matches: the route of line 6"),
            std::string::npos)
      << result.text();
}

TEST(Config, MessagesQuoteHostileTextSafely) {
  const Read result = read("\"a\\u001b[31m\\nb\" = 1\n" LISTEN UP ROUTE "path = \"\\u0007\\n\"\n");
  for (const char byte : result.text()) {
    EXPECT_TRUE(byte == '\n' || byte >= 0x20) << result.text();
  }
}

Environment environment_of(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

Read read_with(std::string_view toml, std::map<std::string, std::string> variables) {
  Read result;
  result.config = read_config(toml, "t.toml", result.messages);
  apply_environment(result.config, environment_of(std::move(variables)), result.messages);
  check_config(result.config, result.messages);
  return result;
}

TEST(Config, EnvironmentOverridesTheFile) {
  const Read result = read_with(kDocumented, {{"SIDEKICK_IO", "epoll"},
                                              {"SIDEKICK_STOP_TIMEOUT", "120"},
                                              {"SIDEKICK_DRAIN_TIMEOUT", "110s"},
                                              {"SIDEKICK_THREADS", "3"},
                                              {"SIDEKICK_WORKERS", "5"},
                                              {"SIDEKICK_CONNECTIONS_MAX", "777"},
                                              {"SIDEKICK_BUFFERS", "128"},
                                              {"SIDEKICK_IN_FLIGHT_MAX", "99"},
                                              {"SIDEKICK_KEEPALIVE_IDLE", "80"},
                                              {"SIDEKICK_HEADER_TIMEOUT", "3s"},
                                              {"SIDEKICK_BODY_LIMIT", "1MiB"},
                                              {"SIDEKICK_TRUSTED_PROXIES", "10.0.0.0/16,::1"},
                                              {"SIDEKICK_LOG_REQUESTS", "errors"},
                                              {"SIDEKICK_ADMIN", "unix:/run/admin.sock"}});
  EXPECT_EQ(result.text(), "");
  const Config& config = result.config;
  EXPECT_EQ(config.server.io, IoChoice::epoll);
  EXPECT_EQ(config.server.stop_timeout, 120s);
  EXPECT_EQ(drain_timeout(config.server), 110s);
  EXPECT_EQ(config.server.threads, 3U);
  EXPECT_EQ(config.server.connections_max, 777U);
  EXPECT_EQ(config.server.buffers, 128U);
  EXPECT_EQ(config.upstreams[0].workers->count, 5U);
  EXPECT_EQ(config.upstreams[2].workers->count, 2U);  // stated in the file
  EXPECT_EQ(config.upstreams[1].in_flight_max, 99U);
  EXPECT_EQ(config.listeners[1].limits.idle_timeout, 80s);
  EXPECT_EQ(config.listeners[0].limits.header_timeout, 3s);
  ASSERT_EQ(config.listeners[0].trusted_proxies.size(), 2U);
  EXPECT_EQ(to_string(config.listeners[0].trusted_proxies[0]), "10.0.0.0/16");
  EXPECT_EQ(config.routes[2].body_bytes, 1U << 20);
  EXPECT_EQ(config.log.requests, RequestLog::errors);
  EXPECT_EQ(config.admin.address->host, "/run/admin.sock");
}

TEST(Config, TheOnlyListenerCanBeMovedByTheEnvironment) {
  const Read one = read_with(kMinimal, {{"SIDEKICK_LISTEN", "[::]:7600"}});
  EXPECT_EQ(one.text(), "");
  EXPECT_EQ(to_string(one.config.listeners[0].address), "[::]:7600");
  const Read two = read_with(kDocumented, {{"SIDEKICK_LISTEN", "[::]:7600"}});
  EXPECT_NE(two.text().find("SIDEKICK_LISTEN: says where the only listener listens, but the file "
                            "has 2"),
            std::string::npos)
      << two.text();
}

TEST(Config, ARequestDeadlineFromTheEnvironmentIsACeiling) {
  const Read result = read_with(std::string(kMinimal) +
                                    "total_timeout = \"20s\"\n"
                                    "[[route]]\nhost = \"x.example\"\n"
                                    "upstream = \"app\"\n",
                                {{"SIDEKICK_REQUEST_DEADLINE", "50"}});
  EXPECT_FALSE(result.messages.has_errors()) << result.text();
  EXPECT_EQ(result.config.routes[0].total_timeout, 20s);
  EXPECT_EQ(result.config.routes[1].total_timeout, 50s);
  EXPECT_EQ(result.config.routes[1].response_header_timeout, 15s);
  EXPECT_EQ(result.config.routes[1].between_bytes_timeout, 50s);
}

TEST(Config, BrokenVariablesAreAllNamedAtOnceThoseOfTheWorkersToo) {
  const Read result = read_with(kMinimal, {{"SIDEKICK_STOP_TIMEOUT", "soon"},
                                           {"SIDEKICK_PG_CONNECTIONS", "0"},
                                           {"SIDEKICK_LISTEN", "7500"},
                                           {"SIDEKICK_TRUSTED_PROXIES", "10.0.0.1/8"}});
  EXPECT_EQ(result.messages.error_count(), 4U);
  const std::string text = result.text();
  EXPECT_NE(
      text.find("t.toml: error: SIDEKICK_STOP_TIMEOUT: expected a duration from 2s to 24h, or "
                "a number of seconds; got \"soon\"\n"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("SIDEKICK_PG_CONNECTIONS: expected a number from 1 to 16; got \"0\""),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("SIDEKICK_LISTEN: "), std::string::npos) << text;
  EXPECT_NE(text.find("SIDEKICK_TRUSTED_PROXIES: "), std::string::npos) << text;
}

TEST(Config, ADrainThatTheKillWouldCutIsRefused) {
  const Read result = read_with(kMinimal, {{"SIDEKICK_DRAIN_TIMEOUT", "30"}});
  EXPECT_NE(result.text().find("server.drain_timeout: 30s is not less than stop_timeout, 30s"),
            std::string::npos)
      << result.text();
}

TEST(Config, PrintedTomlReadsBackAsItself) {
  const Read first = read(kDocumented);
  const std::string printed = print_toml(first.config);
  const Read second = read(printed);
  EXPECT_EQ(second.text(), "") << printed;
  EXPECT_EQ(print_toml(second.config), printed);
  EXPECT_EQ(print_json(second.config), print_json(first.config));
}

TEST(Config, PrintedJsonHasBudgetsInMilliseconds) {
  const std::string json = print_json(read(kDocumented).config);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  ASSERT_EQ(parser.parse(simdjson::padded_string(json)).get(root), simdjson::SUCCESS) << json;
  EXPECT_EQ(double(root["route"].at(0)["budget"]["p99_ms"]), 40.0);
  EXPECT_EQ(double(root["route"].at(0)["budget"]["deadline_ms"]), 250.0);
  EXPECT_EQ(std::uint64_t(root["route"].at(0)["budget"]["rate"]), 400U);
  EXPECT_EQ(root["route"].at(0)["budget"]["p999_ms"].error(), simdjson::NO_SUCH_FIELD);
  EXPECT_EQ(root["route"].at(1)["budget"].error(), simdjson::NO_SUCH_FIELD);
  EXPECT_EQ(std::uint64_t(root["route"].at(0)["body_limit_bytes"]), 8U << 20);
  EXPECT_EQ(root["listener"].get_array().size(), 2U);
  EXPECT_EQ(root["upstream"].get_array().size(), 3U);
}

TEST(ConfigAddress, NetworksContainWhatTheyShould) {
  const auto contains = [](const char* network, const char* address) {
    return parse_network(network)->contains(*parse_ip(address));
  };
  EXPECT_TRUE(contains("10.0.0.0/8", "10.255.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
  EXPECT_TRUE(contains("10.0.0.0/9", "10.127.0.1"));
  EXPECT_FALSE(contains("10.0.0.0/9", "10.128.0.1"));
  EXPECT_TRUE(contains("10.0.0.1", "10.0.0.1"));
  EXPECT_FALSE(contains("10.0.0.1", "10.0.0.2"));
  EXPECT_TRUE(contains("0.0.0.0/0", "1.2.3.4"));
  EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(contains("::/0", "1.2.3.4"));
  EXPECT_TRUE(contains("2001:db8::/33", "2001:db8::1"));
  EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(NearestName, FindsSlipsAndNothingFarther) {
  constexpr std::string_view kNames[] = {"listener", "upstream", "route", "server"};
  EXPECT_EQ(nearest_name("lsitener", kNames), "listener");
  EXPECT_EQ(nearest_name("up_stream", kNames), "upstream");
  EXPECT_EQ(nearest_name("routes", kNames), "route");
  EXPECT_EQ(nearest_name("database", kNames), "");
  EXPECT_EQ(edit_distance("abcd", "abdc"), 1U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

}  // namespace
}  // namespace sk::lb
