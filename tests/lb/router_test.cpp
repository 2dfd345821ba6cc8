#include "lb/router.h"

#include <gtest/gtest.h>

#include <random>

namespace sk::lb {
namespace {

RouteConfig route(std::string host, std::string path) {
  RouteConfig config;
  config.host = std::move(host);
  config.path = std::move(path);
  return config;
}

TEST(Router, TheFirstRouteInFileOrderWins) {
  const Router router({route("", "/a/b"), route("", "/a/*"), route("", "/*")});
  EXPECT_EQ(router.match("x", "/a/b"), 0U);
  EXPECT_EQ(router.match("x", "/a/c"), 1U);
  EXPECT_EQ(router.match("x", "/b"), 2U);
  const Router reversed({route("", "/*"), route("", "/a/b")});
  EXPECT_EQ(reversed.match("x", "/a/b"), 0U);
}

TEST(Router, APrefixIsAWholeSegment) {
  const Router router({route("", "/v1/*")});
  EXPECT_EQ(router.match("", "/v1/"), 0U);
  EXPECT_EQ(router.match("", "/v1/items/7"), 0U);
  EXPECT_EQ(router.match("", "/v1"), Router::kNone);
  EXPECT_EQ(router.match("", "/v12"), Router::kNone);
}

TEST(Router, AnExactPathMatchesOnlyItself) {
  const Router router({route("", "/v1/items")});
  EXPECT_EQ(router.match("", "/v1/items"), 0U);
  EXPECT_EQ(router.match("", "/v1/items/"), Router::kNone);
  EXPECT_EQ(router.match("", "/V1/items"), Router::kNone);
}

TEST(Router, HostsAreComparedWithoutCaseAndFinalDot) {
  const Router router({route("API.example.com", "/*")});
  EXPECT_EQ(router.match("api.EXAMPLE.com", "/"), 0U);
  EXPECT_EQ(router.match("api.example.com.", "/"), 0U);
  EXPECT_EQ(router.match("example.com", "/"), Router::kNone);
  EXPECT_EQ(router.match("", "/"), Router::kNone);
  EXPECT_EQ(router.match(std::string(10'000, 'a'), "/"), Router::kNone);
}

TEST(Router, AWildcardMatchesNamesBelowItOnly) {
  const Router router({route("*.example.com", "/*")});
  EXPECT_EQ(router.match("a.example.com", "/"), 0U);
  EXPECT_EQ(router.match("a.b.Example.com", "/"), 0U);
  EXPECT_EQ(router.match("example.com", "/"), Router::kNone);
  EXPECT_EQ(router.match(".example.com", "/"), Router::kNone);
  EXPECT_EQ(router.match("badexample.com", "/"), Router::kNone);
}

TEST(Router, FileOrderHoldsAcrossKindsOfHosts) {
  const Router router(
      {route("*.example.com", "/shared/*"), route("api.example.com", "/*"), route("", "/*")});
  EXPECT_EQ(router.match("api.example.com", "/shared/x"), 0U);
  EXPECT_EQ(router.match("api.example.com", "/x"), 1U);
  EXPECT_EQ(router.match("www.example.com", "/x"), 2U);
  const Router any_first({route("", "/x"), route("api.example.com", "/*")});
  EXPECT_EQ(any_first.match("api.example.com", "/x"), 0U);
  EXPECT_EQ(any_first.match("api.example.com", "/y"), 1U);
}

TEST(Router, Ipv6LiteralsAndTheAsteriskForm) {
  const Router router({route("[::1]", "/*"), route("", "/")});
  EXPECT_EQ(router.match("::1", "/a"), 0U);
  EXPECT_EQ(router.match("x", "*"), 1U);
}

// The tables must say what a plain reading of the rules says.
TEST(Router, AgreesWithAPlainReadingOfTheRules) {
  const std::uint32_t seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::string hosts[] = {"", "a.com", "b.a.com", "*.a.com", "*.com", "c.b.a.com"};
  const std::string paths[] = {"/*", "/x", "/x/*", "/x/y", "/x/y/*"};
  const std::string asked_paths[] = {"/", "/x", "/x/", "/x/y", "/x/y/z", "/xy"};
  for (int round = 0; round < 2'000; ++round) {
    std::vector<RouteConfig> routes;
    for (std::size_t count = random() % 6; count > 0; --count) {
      routes.push_back(route(hosts[random() % 6], paths[random() % 5]));
    }
    const Router router(routes);
    for (const std::string& host : hosts) {
      if (host.starts_with('*')) {
        continue;
      }
      for (const std::string& path : asked_paths) {
        std::uint32_t expected = Router::kNone;
        for (std::uint32_t i = 0; i < routes.size() && expected == Router::kNone; ++i) {
          const std::string& h = routes[i].host;
          const std::string& p = routes[i].path;
          const bool host_fits =
              h.empty() || h == host ||
              (h.starts_with("*") && host.size() > h.size() - 1 && host.ends_with(h.substr(1)));
          const bool path_fits =
              p.ends_with("/*") ? path.starts_with(p.substr(0, p.size() - 1)) : path == p;
          expected = host_fits && path_fits ? i : expected;
        }
        ASSERT_EQ(router.match(host, path), expected) << host << path;
      }
    }
  }
}

}  // namespace
}  // namespace sk::lb
