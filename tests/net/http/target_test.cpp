#include "net/http/target.h"

#include <gtest/gtest.h>

#include <string>

namespace sk {
namespace {

// The normalised path, or the reason of the refusal.
std::string path(std::string_view text) {
  HeadArena arena;
  const Checked<std::string_view> result = normalise_path(text, arena);
  return result ? std::string(*result) : std::string(result.error().reason);
}

TEST(Target, DotSegmentsGoInAnyEncoding) {
  EXPECT_EQ(path("/"), "/");
  EXPECT_EQ(path("/a/b/c"), "/a/b/c");
  EXPECT_EQ(path("/a/./b"), "/a/b");
  EXPECT_EQ(path("/public/../admin"), "/admin");
  EXPECT_EQ(path("/public/.%2E/admin"), "/admin");
  EXPECT_EQ(path("/public/%2e%2e/admin"), "/admin");
  EXPECT_EQ(path("/a/%2E/b"), "/a/b");
  EXPECT_EQ(path("/a/b/.."), "/a/");
  EXPECT_EQ(path("/a/b/."), "/a/b/");
  EXPECT_EQ(path("/a/.."), "/");
  EXPECT_EQ(path("/."), "/");
  EXPECT_EQ(path("/a//../b"), "/a/b");
  EXPECT_EQ(path("//admin"), "//admin");
  EXPECT_EQ(path("/.hidden/..."), "/.hidden/...");
  EXPECT_EQ(path("/a../..b"), "/a../..b");
}

TEST(Target, NothingElseIsDecoded) {
  EXPECT_EQ(path("/a%2fb"), "/a%2fb");
  EXPECT_EQ(path("/a%5cb"), "/a%5cb");
  EXPECT_EQ(path("/a%252e%252e/b"), "/a%252e%252e/b");
  EXPECT_EQ(path("/caf%C3%A9"), "/caf%C3%A9");
}

TEST(Target, HostilePathsAreRefused) {
  EXPECT_EQ(path("/.."), "target_above_the_root");
  EXPECT_EQ(path("/a/../../b"), "target_above_the_root");
  EXPECT_EQ(path("/%2e%2e/x"), "target_above_the_root");
  EXPECT_EQ(path("/a%00b"), "target_encoded_nul");
  EXPECT_EQ(path("/a\\b"), "target_backslash");
  EXPECT_EQ(path("/%zz"), "target_broken_percent_encoding");
  EXPECT_EQ(path("/%4"), "target_broken_percent_encoding");
  EXPECT_EQ(path("/a b"), "target_forbidden_byte");
  EXPECT_EQ(path("/a\xff"), "target_forbidden_byte");
  EXPECT_EQ(path("/a#b"), "target_forbidden_byte");
  EXPECT_EQ(path("a"), "target_no_path");
  EXPECT_EQ(path(""), "target_no_path");
}

TEST(Target, NormalisingIsIdempotent) {
  // Every string of up to seven pieces from an alphabet of what matters.
  const std::string_view pieces[] = {"/", ".", "%2e", "a", "%2F"};
  std::size_t checked = 0;
  for (int code = 0; code < 5 * 5 * 5 * 5 * 5 * 5; ++code) {
    std::string text = "/";
    for (int rest = code, i = 0; i < 6; ++i, rest /= 5) {
      text += pieces[rest % 5];
    }
    HeadArena arena;
    const Checked<std::string_view> once = normalise_path(text, arena);
    if (!once) {
      continue;
    }
    ++checked;
    const Checked<std::string_view> twice = normalise_path(*once, arena);
    ASSERT_TRUE(twice.has_value()) << text;
    ASSERT_EQ(*once, *twice) << text;
    ASSERT_TRUE(once->starts_with('/')) << text;
    ASSERT_EQ(once->find("/../"), std::string_view::npos) << text;
    ASSERT_EQ(once->find("/./"), std::string_view::npos) << text;
    ASSERT_LE(once->size(), text.size());
  }
  EXPECT_GT(checked, 5000U);
}

std::string target(std::string_view text, Method method = Method::get) {
  HeadArena arena;
  const Checked<Target> result = parse_target(text, method, 255, arena);
  if (!result) {
    return result.error().reason;
  }
  return std::string(result->authority) + "|" + std::string(result->path) + "|" +
         (result->has_query ? "?" + std::string(result->query) : "");
}

TEST(Target, FormsAreToldApart) {
  EXPECT_EQ(target("/a?b=/../c"), "|/a|?b=/../c");
  EXPECT_EQ(target("/a?"), "|/a|?");
  EXPECT_EQ(target("http://example.com:81/x/../y?q"), "example.com:81|/y|?q");
  EXPECT_EQ(target("HTTPS://example.com"), "example.com|/|");
  EXPECT_EQ(target("http://example.com?q"), "example.com|/|?q");
  EXPECT_EQ(target("http://example.com", Method::options), "example.com|*|");
  EXPECT_EQ(target("*", Method::options), "|*|");
  EXPECT_EQ(target("*"), "target_asterisk_without_options");
  EXPECT_EQ(target("example.com:80"), "target_malformed");
  EXPECT_EQ(target("ftp://example.com/"), "target_scheme");
  EXPECT_EQ(target("http:///x"), "authority_empty");
  EXPECT_EQ(target("http://user@example.com/"), "authority_forbidden_byte");
  EXPECT_EQ(target("/a?b#c"), "target_forbidden_byte");
}

TEST(Target, AuthoritiesAreChecked) {
  const auto valid = [](std::string_view text) { return check_authority(text, 255).has_value(); };
  for (const char* text : {"example.com", "example.com:8080", "EXAMPLE.com", "127.0.0.1", "[::1]",
                           "[2001:db8::1]:443", "a_b.c-d~e", "localhost:1", "x:65535"}) {
    EXPECT_TRUE(valid(text)) << text;
  }
  for (const char* text : {"",
                           ":80",
                           "user@example.com",
                           "example.com/evil",
                           "example.com#x",
                           "a b",
                           "a, b",
                           "a:80x",
                           "a:70000",
                           "a:0",
                           "a:",
                           "a%2f",
                           "a\\b",
                           "[::1",
                           "::1",
                           "[::g]",
                           "[]",
                           "[::1]x",
                           "[127.0.0.1]",
                           "[fe80::1%25eth0]"}) {
    EXPECT_FALSE(valid(text)) << text;
  }
  EXPECT_TRUE(valid(std::string(255, 'a')));
  EXPECT_FALSE(valid(std::string(256, 'a')));
}

}  // namespace
}  // namespace sk
