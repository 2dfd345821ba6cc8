// The log contract: the operators' patterns are run over our lines, with kind and hostile requests.
#include "net/http/access_log_line.h"

#include "tests/support/source_dir.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <simdjson.h>
#include <unistd.h>

#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace sk {
namespace {

const std::string kPatternsFile = test::source_path("tests/cases/log-patterns.json");

struct Written {
  std::string incoming;
  std::string completed;
  std::string aborted;
};

// The three lines as they leave the process.
Written write_lines(const AccessLogRequest& request, const AccessLogOutcome& outcome) {
  char path[] = "/tmp/sidekick-access-log-XXXXXX";
  const int fd = mkstemp(path);
  unlink(path);
  {
    LogWriter writer(fd, {1, "ip-10-0-11-23", "lb"}, 64U << 10);
    Log log(writer);
    log_incoming(log, 1'764'000'000'123, request);
    log_completed(log, request, outcome);
    log_aborted(log, request, outcome);
    writer.start();
    EXPECT_TRUE(writer.stop(std::chrono::seconds(10)));
  }
  std::string text(64U << 10, '\0');
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  close(fd);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  std::vector<std::string> lines;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = text.find('\n', start);
    lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  EXPECT_EQ(lines.size(), 3U) << text;
  lines.resize(3);
  return {lines[0], lines[1], lines[2]};
}

AccessLogRequest usual_request() {
  return {.id = "7f3k_1a",
          .method = "GET",
          .target = "/users/42?token=secret",
          .host = "api.example.com",
          .remote_address = "203.0.113.9",
          .remote_port = 51514};
}

AccessLogOutcome usual_outcome() {
  return {.unix_ms = 1'764'000'000'135,
          .status = 200,
          .response_time_ns = 12'345'678,
          .route_pattern = "/users/:id"};
}

// A pattern with its named groups turned into numbered ones, which std::regex knows.
struct Pattern {
  explicit Pattern(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text.substr(at).starts_with("(?<")) {
        const std::size_t end = text.find('>', at);
        names.emplace_back(text.substr(at + 3, end - at - 3));
        plain += '(';
        at = end;
      } else {
        plain += text[at];
      }
    }
    regex = std::regex(plain, std::regex::ECMAScript);
  }
  std::regex regex;
  std::vector<std::string> names;
};

class Contract : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(parser_.load(kPatternsFile).get(cases_), simdjson::SUCCESS) << kPatternsFile;
  }

  // `meaning` is what a capture should hold, by its name in the case file.
  void expect_patterns(const std::string& line, const char* kind,
                       const std::map<std::string, std::string>& meaning) {
    std::size_t count = 0;
    for (const simdjson::dom::element item : cases_["patterns"].get_array()) {
      ++count;
      const std::string_view text = item["pattern"].get_string();
      const bool should = item[kind].get_bool();
      const Pattern pattern(text);
      std::smatch match;
      EXPECT_EQ(std::regex_search(line, match, pattern.regex), should) << text << "\n" << line;
      simdjson::dom::object captures;
      if (!should || item["captures"].get(captures) != simdjson::SUCCESS) {
        continue;
      }
      for (std::size_t group = 0; group < pattern.names.size(); ++group) {
        const std::string_view key = captures[pattern.names[group]].get_string();
        EXPECT_EQ(match[group + 1].str(), meaning.at(std::string(key))) << text << "\n" << line;
      }
    }
    EXPECT_EQ(count, 5U);
  }

  simdjson::dom::element parse(const std::string& line) {
    simdjson::dom::element parsed;
    EXPECT_EQ(line_parser_.parse(simdjson::padded_string(line)).get(parsed), simdjson::SUCCESS)
        << line;
    std::set<std::string> keys;
    for (const auto& field : parsed.get_object()) {
      EXPECT_TRUE(keys.emplace(field.key).second) << "twice: " << field.key << "\n" << line;
    }
    for (const simdjson::dom::element key : cases_["top_level_keys_forbidden"].get_array()) {
      EXPECT_FALSE(keys.contains(std::string(std::string_view(key)))) << line;
    }
    return parsed;
  }

  simdjson::dom::parser parser_;
  simdjson::dom::parser line_parser_;
  simdjson::dom::element cases_;
};

TEST_F(Contract, LinesAreExactlyTheDocumentedOnes) {
  const Written lines = write_lines(usual_request(), usual_outcome());
  EXPECT_EQ(
      lines.incoming,
      R"({"level": 30, "time": 1764000000123, "pid": 1, "hostname": "ip-10-0-11-23", "reqId": "req-7f3k_1a", "req": {"method": "GET", "url": "/users/42", "host": "api.example.com", "remoteAddress": "203.0.113.9", "remotePort": 51514}, "msg": "incoming request req-7f3k_1a"})");
  EXPECT_EQ(
      lines.completed,
      R"({"level": 30, "time": 1764000000135, "pid": 1, "hostname": "ip-10-0-11-23", "reqId": "req-7f3k_1a", "res": {"statusCode": 200}, "statusCode": 200, "responseTime": 12.345, "method": "GET", "url": "/users/42", "routePattern": "/users/:id", "msg": "request completed req-7f3k_1a"})");
  EXPECT_EQ(
      lines.aborted,
      R"({"level": 40, "time": 1764000000135, "pid": 1, "hostname": "ip-10-0-11-23", "reqId": "req-7f3k_1a", "responseTime": 12.345, "method": "GET", "url": "/users/42", "routePattern": "/users/:id", "msg": "request aborted req-7f3k_1a"})");
}

TEST_F(Contract, PatternsMatchVerbatim) {
  AccessLogOutcome outcome = usual_outcome();
  outcome.extra_json =
      R"(, "budget": {"deadlineMs": 250.000, "spentMs": 50.100, "over": "p99", "topStage": "pg", "stages": {"pg": 50.0}})";
  const std::map<std::string, std::string> meaning = {
      {"url", "/users/42"}, {"time", "12.345"}, {"id", "7f3k_1a"}};
  const Written good = write_lines(usual_request(), outcome);
  expect_patterns(good.incoming, "incoming", meaning);
  expect_patterns(good.completed, "completed", meaning);
  expect_patterns(good.aborted, "aborted", meaning);
  outcome.status = 503;
  const Written bad = write_lines(usual_request(), outcome);
  expect_patterns(bad.completed, "completed_error", meaning);
  const simdjson::dom::element parsed = parse(bad.completed);
  EXPECT_EQ(std::int64_t(parsed["level"]), 50);
  EXPECT_EQ(std::int64_t(parsed["statusCode"]), 503);
  for (const simdjson::dom::element key :
       cases_["top_level_keys_required"]["completed"].get_array()) {
    EXPECT_EQ(parsed[std::string_view(key)].error(), simdjson::SUCCESS) << key;
  }
}

TEST_F(Contract, OptionalFieldsStandBetweenRoutePatternAndMsg) {
  AccessLogOutcome outcome = usual_outcome();
  outcome.upstream = "app";
  outcome.endpoint = "worker 1 (pid 4711)";
  outcome.reason = "retried";
  outcome.response_body_bytes = 33;
  outcome.upstream_time_ns = 1'000'000;
  outcome.attempts = 2;
  outcome.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  outcome.extra_json =
      R"(, "budget": {"deadlineMs": 250.000, "over": "p99", "topStage": "pg", "stages": {"pg": 41.0}})";
  const Written lines = write_lines(usual_request(), outcome);
  EXPECT_NE(
      lines.completed.find(
          R"x("routePattern": "/users/:id", "upstream": "app", "endpoint": "worker 1 (pid 4711)", "reason": "retried", "bytes": 33, "upstreamTime": 1.000, "attempts": 2, "traceId": "4bf92f3577b34da6a3ce929d0e0e4736", "budget": {"deadlineMs": 250.000, "over": "p99", "topStage": "pg", "stages": {"pg": 41.0}}, "msg": ")x"),
      std::string::npos)
      << lines.completed;
  parse(lines.completed);
}

// Requests made to break a line, to smuggle fields, or to hide from a pattern.
TEST_F(Contract, HostileRequestsNeitherBreakNorForgeALine) {
  using namespace std::string_literals;
  const std::vector<std::string> hostile = {
      "/x\", \"statusCode\": 500, \"y\": \"",
      "/x\",\"url\": \"/other",
      "/a\r\n{\"level\": 30, \"msg\": \"request completed req-1\"}\n",
      "/\x1b[31mred\x1b[0m\x07",
      "/nul\0byte"s,
      "/back\\slash\\\\",
      "/\xff\xfe\xc3\x28\xed\xa0\x80",
      "/\xe2\x80\xa8line-separator",
      "/" + std::string(70'000, '"'),
      "/" + std::string(70'000, '\x01'),
      "/%22%2C%22statusCode%22%3A%20500",
      "responseTime\": 1.1 \"url\": \"",
      "*",
  };
  for (const std::string& text : hostile) {
    AccessLogRequest request = usual_request();
    AccessLogOutcome outcome = usual_outcome();
    request.target = text;
    request.method = text;
    request.host = text;
    request.remote_address = text;
    outcome.route_pattern = text;
    outcome.reason = text;
    outcome.endpoint = text;
    outcome.upstream = text;
    outcome.trace_id = text;
    const Written lines = write_lines(request, outcome);
    for (const std::string* line : {&lines.incoming, &lines.completed, &lines.aborted}) {
      parse(*line);
      EXPECT_LT(line->size(), 16'000U);
      for (const char byte : *line) {
        ASSERT_TRUE(byte >= 0x20 && byte < 0x7f) << "byte " << int{byte};
      }
      // One url, one time, no forged status.
      const std::regex url(R"("url": ")");
      EXPECT_EQ(std::distance(std::sregex_iterator(line->begin(), line->end(), url),
                              std::sregex_iterator()),
                1);
      EXPECT_FALSE(std::regex_search(*line, std::regex(R"(statusCode": [45]\d{2})")));
    }
    EXPECT_TRUE(std::regex_search(lines.completed,
                                  std::regex(R"x(responseTime": \d+\.\d+.*"url": "[^"]+)x")));
  }
}

TEST_F(Contract, QueryAndSecretsStayOut) {
  AccessLogRequest request = usual_request();
  request.target = "/login?password=hunter2#token=hunter2";
  const Written lines = write_lines(request, usual_outcome());
  for (const std::string* line : {&lines.incoming, &lines.completed, &lines.aborted}) {
    EXPECT_EQ(line->find("hunter2"), std::string::npos);
  }
}

TEST_F(Contract, IdsHoldOnlyWordCharacters) {
  AccessLogRequest request = usual_request();
  const std::string id = "ab-cd\" 12\n_" + std::string(100, 'z');
  request.id = id;
  const Written lines = write_lines(request, usual_outcome());
  const std::string clean = "abcd12_" + std::string(57, 'z');
  EXPECT_EQ(std::string_view(parse(lines.incoming)["reqId"].get_string()), "req-" + clean);
  EXPECT_TRUE(lines.completed.ends_with("request completed req-" + clean + "\"}"));
}

TEST_F(Contract, UrlIsCutAtTwoKibibytes) {
  AccessLogRequest request = usual_request();
  const std::string target = "/" + std::string(5000, 'u');
  request.target = target;
  const Written lines = write_lines(request, usual_outcome());
  EXPECT_EQ(std::string_view(parse(lines.completed)["url"].get_string()).size(), 2048U);
}

}  // namespace
}  // namespace sk
