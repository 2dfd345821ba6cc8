// Goal: every raw request in tests/cases/h1.json has one of the outcomes the list allows, however
// its bytes are cut, and what we would forward parses again to the identical request.
// Method: in-process through parser and serialiser; cases that cannot hold yet are listed, with
// their reason, in tests/cases/h1-expected-failures.json, and one that holds must not be listed.

#include "tests/net/http/case_file.h"
#include "tests/net/http/h1_replay.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace sk::test {
namespace {

const std::vector<Json>& cases() {
  static const Json list = read_json_file("tests/cases/h1.json");
  return list.items;
}

std::string text_of(const Json& test_case, const std::string& key) {
  return test_case.has(key) ? to_utf8(test_case.at(key).text) : std::string();
}

bool flag(const Json& test_case, const std::string& key) {
  return test_case.has(key) && test_case.at(key).boolean;
}

std::vector<std::string> strings(const Json& test_case, const std::string& key) {
  std::vector<std::string> out;
  if (test_case.has(key)) {
    for (const Json& item : test_case.at(key).items) {
      out.push_back(to_utf8(item.text));
    }
  }
  return out;
}

// The words the list may use for what happened to the message with this index.
std::set<std::string> outcomes(const Replay& result, std::size_t index) {
  if (index < result.requests.size() && result.requests[index].complete) {
    std::set<std::string> names = {"forward", "forward-normalised"};
    if (result.requests[index].expect_continue) {
      names.insert("100-then-forward");
    }
    return names;
  }
  if (result.status != 0) {
    return {std::to_string(result.status), "close"};
  }
  return result.waiting ? std::set<std::string>{"408", "close"} : std::set<std::string>{"nothing"};
}

bool allowed(const std::set<std::string>& happened, const std::vector<std::string>& list) {
  return std::ranges::any_of(list,
                             [&](const std::string& name) { return happened.contains(name); });
}

// Empty where the case holds, else what went wrong.
std::string judge(const Json& test_case, const Replay& result) {
  const std::vector<std::string> expect = strings(test_case, "expect");
  const std::set<std::string> first = outcomes(result, 0);
  if (!allowed(first, expect)) {
    return "outcome is " + *first.begin() + " (" + result.reason + ")";
  }
  if (!result.serialiser_error.empty()) {
    return "serialiser: " + result.serialiser_error;
  }
  std::string sent;
  std::size_t complete = 0;
  for (const Forwarded& request : result.requests) {
    sent += request.bytes;
    complete += request.complete ? 1 : 0;
  }
  const auto number = [&](const char* key) {
    return static_cast<std::size_t>(test_case.at(key).number);
  };
  if (test_case.has("origin") && (first.contains("forward") || first.contains("408")) &&
      complete != number("origin") && !first.contains("408")) {
    return "the origin sees " + std::to_string(complete) + " requests";
  }
  for (const char* key : {"max_origin", "origin_max", "complete_origin"}) {
    if (test_case.has(key) && complete > number(key)) {
      return "the origin sees " + std::to_string(complete) + " requests";
    }
  }
  for (const std::string& text : strings(test_case, "forbid")) {
    if (sent.contains(text)) {
      return "forwarded: " + text;
    }
  }
  if (first.contains("forward")) {
    for (const std::string& text : strings(test_case, "must_have")) {
      if (!sent.contains(text)) {
        return "not forwarded: " + text;
      }
    }
    if (test_case.has("body") && result.requests[0].body != text_of(test_case, "body")) {
      return "body is " + result.requests[0].body;
    }
  }
  for (const std::string& target : strings(test_case, "forbid_target")) {
    for (const Forwarded& request : result.requests) {
      if (request.target == target) {
        return "forwarded target " + target;
      }
    }
  }
  if (flag(test_case, "must_close") && result.open && !result.waiting) {
    return "the connection stays open";
  }
  if (test_case.has("then") && !allowed(outcomes(result, 1), strings(test_case, "then"))) {
    return "the next message is " + *outcomes(result, 1).begin();
  }
  return {};
}

std::set<std::string> expected_failures() {
  std::set<std::string> names;
  const Json list = read_json_file("tests/cases/h1-expected-failures.json");
  for (const Json& item : list.items) {
    names.insert(text_of(item, "name"));
    EXPECT_FALSE(text_of(item, "reason").empty()) << text_of(item, "name");
  }
  return names;
}

TEST(H1Cases, EachHasAnAllowedOutcome) {
  ASSERT_EQ(cases().size(), 198U);
  const std::set<std::string> listed = expected_failures();
  std::size_t held = 0;
  for (const Json& test_case : cases()) {
    const std::string name = text_of(test_case, "name");
    const Replay result = replay(case_bytes(test_case), {}, flag(test_case, "half_close"));
    const std::string wrong = judge(test_case, result);
    held += wrong.empty() ? 1 : 0;
    if (listed.contains(name)) {
      EXPECT_FALSE(wrong.empty()) << name << " holds now: take it off the list";
    } else {
      EXPECT_TRUE(wrong.empty()) << name << ": " << wrong;
    }
  }
  EXPECT_GE(held, 160U);
}

TEST(H1Cases, TheResultDoesNotDependOnHowTheBytesAreCut) {
  for (const Json& test_case : cases()) {
    const std::string name = text_of(test_case, "name");
    const std::string input = case_bytes(test_case);
    const bool half_close = flag(test_case, "half_close");
    const Replay whole = replay(input, {}, half_close);

    // Every cut in two; of long inputs every cut near the ends and the limits, and each 211th.
    for (std::size_t cut = 1; cut < input.size(); ++cut) {
      const bool interesting = cut < 700 || cut + 200 > input.size() || cut % 211 == 0 ||
                               (cut > 8180 && cut < 8220) || (cut > 32780 && cut < 32830) ||
                               (cut > 40960 && cut < 40980);
      if (interesting && !(replay(input, {cut}, half_close) == whole)) {
        ADD_FAILURE() << name << " differs when cut at " << cut;
        break;
      }
    }
    std::vector<std::size_t> bytes(input.empty() ? 0 : input.size() - 1);
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = i + 1;
    }
    const Replay single = replay(input, bytes, half_close);
    EXPECT_TRUE(single == whole) << name << " differs byte by byte: " << single.status << ' '
                                 << single.reason << " for " << whole.status << ' ' << whole.reason;
  }
}

TEST(H1Cases, WhatWeForwardParsesToTheIdenticalRequest) {
  std::size_t checked = 0;
  for (const Json& test_case : cases()) {
    const std::string name = text_of(test_case, "name");
    const Replay result = replay(case_bytes(test_case), {}, flag(test_case, "half_close"));
    for (const Forwarded& request : result.requests) {
      if (!request.complete) {
        continue;
      }
      ++checked;
      const Replay again = replay(request.bytes, {}, true, {}, false);
      ASSERT_EQ(again.requests.size(), 1U) << name << ": " << again.reason << '\n' << request.bytes;
      EXPECT_EQ(again.status, 0) << name;
      EXPECT_FALSE(again.waiting) << name;
      EXPECT_TRUE(again.requests[0].complete) << name;
      EXPECT_EQ(again.requests[0].bytes, request.bytes) << name;
      EXPECT_EQ(again.requests[0].target, request.target) << name;
      EXPECT_EQ(again.requests[0].body, request.body) << name;
    }
  }
  EXPECT_GT(checked, 40U);
}

}  // namespace
}  // namespace sk::test
