#include "app/router.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace sk::app {
namespace {

class RouterTest : public ::testing::Test {
 protected:
  void add(Method method, std::string_view pattern) {
    const auto id = router_.add(method, pattern, next_++);
    ASSERT_TRUE(id.has_value()) << id.error();
  }

  // "pattern(param,param)" of what was found, "404" or "405 allow".
  std::string at(Method method, std::string_view path) {
    const Match match = router_.match(method, path);
    if (match.kind == MatchKind::no_path) {
      return "404";
    }
    if (match.kind == MatchKind::no_method) {
      return "405 " + router_.allow(match.pattern_id);
    }
    std::string text = router_.patterns()[match.pattern_id] + "(";
    for (std::size_t i = 0; i < match.params.count; ++i) {
      text += (i == 0 ? "" : ",") + std::string(match.params.values[i]);
    }
    return text + ")";
  }

  Router router_;
  std::uint32_t next_ = 0;
};

TEST_F(RouterTest, LiteralsWinOverParametersOverRest) {
  add(Method::get, "/files/*path");
  add(Method::get, "/files/:name");
  add(Method::get, "/files/new");
  add(Method::get, "/files/:name/meta");
  add(Method::get, "/");
  EXPECT_EQ(at(Method::get, "/"), "/()");
  EXPECT_EQ(at(Method::get, "/files/new"), "/files/new()");
  EXPECT_EQ(at(Method::get, "/files/old"), "/files/:name(old)");
  EXPECT_EQ(at(Method::get, "/files/new/meta"), "/files/:name/meta(new)");
  EXPECT_EQ(at(Method::get, "/files/a/b/c"), "/files/*path(a/b/c)");
  EXPECT_EQ(at(Method::get, "/files/a/"), "/files/*path(a/)");
  EXPECT_EQ(at(Method::get, "/files/"), "404");
  EXPECT_EQ(at(Method::get, "/files"), "404");
  EXPECT_EQ(at(Method::get, "//"), "404");
  EXPECT_EQ(at(Method::options, "*"), "404");
}

TEST_F(RouterTest, AFailedBranchLeavesNoParameterBehind) {
  add(Method::get, "/:a/:b/x");
  add(Method::get, "/:a/*rest");
  EXPECT_EQ(at(Method::get, "/1/2/x"), "/:a/:b/x(1,2)");
  EXPECT_EQ(at(Method::get, "/1/2/y"), "/:a/*rest(1,2/y)");
}

TEST_F(RouterTest, MethodsShareAPatternAndHeadFallsToGet) {
  add(Method::get, "/v1/items/:id");
  add(Method::put, "/v1/items/:id");
  add(Method::post, "/v1/items");
  EXPECT_EQ(router_.patterns().size(), 2U);
  EXPECT_EQ(at(Method::head, "/v1/items/5"), "/v1/items/:id(5)");
  EXPECT_EQ(at(Method::delete_, "/v1/items/5"), "405 GET, HEAD, PUT");
  EXPECT_EQ(at(Method::head, "/v1/items"), "405 POST");
  EXPECT_EQ(at(Method::other, "/v1/items"), "405 POST");
}

TEST_F(RouterTest, LiteralsMatchPercentDecodedAndParametersStayRaw) {
  add(Method::get, "/v1/items/:id");
  EXPECT_EQ(at(Method::get, "/v1/%69t%65ms/a%2Fb"), "/v1/items/:id(a%2Fb)");
  EXPECT_EQ(at(Method::get, "/v1/%69t%65m/a"), "404");
  EXPECT_EQ(at(Method::get, "/v1/items%2Fa/a"), "404");
}

TEST_F(RouterTest, WrongPatternsAreNamedAtRegistration) {
  const auto error = [&](std::string_view pattern) {
    return router_.add(Method::get, pattern, 0).error_or("fine");
  };
  EXPECT_NE(error("items").find("must begin with '/'"), std::string::npos);
  EXPECT_NE(error("/:").find("needs a name"), std::string::npos);
  EXPECT_NE(error("/:a/:a").find("twice"), std::string::npos);
  EXPECT_NE(error("/*a/b").find("at its end only"), std::string::npos);
  EXPECT_NE(error("/a?b").find("must not contain"), std::string::npos);
  EXPECT_NE(error("/:a/:b/:c/:d/:e/:f/:g/:h/:i").find("more than 8"), std::string::npos);
  EXPECT_EQ(error("/u/:id"), "fine");
  EXPECT_NE(error("/u/:id").find("registered twice for GET"), std::string::npos);
  EXPECT_NE(router_.add(Method::put, "/u/:key", 0).error_or("").find("same parameter names"),
            std::string::npos);
}

// The model tries every pattern and compares segment by segment.
TEST_F(RouterTest, AgreesWithASlowModelOnRandomPaths) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> patterns = {"/a",      "/a/b", "/a/:x",   "/:x/b", "/:x/:y/c",
                                             "/a/b/*r", "/:x",  "/a/:x/c", "/b/*r", "/"};
  for (const std::string& pattern : patterns) {
    add(Method::get, pattern);
  }
  const auto split = [](std::string_view text) {
    std::vector<std::string> parts;
    for (std::size_t at = 1; at <= text.size();) {
      const std::size_t slash = std::min(text.find('/', at), text.size());
      parts.emplace_back(text.substr(at, slash - at));
      at = slash + 1;
    }
    if (parts.empty() || text.ends_with('/')) {
      parts.resize(parts.empty() ? 1 : parts.size());
    }
    return parts;
  };
  const auto fits = [&](const std::string& pattern, std::string_view path) {
    const std::size_t star = pattern.find('*');
    if (star != std::string::npos) {
      const std::string prefix = pattern.substr(0, star);
      return path.starts_with(prefix) && path.size() > prefix.size();
    }
    const auto want = split(pattern);
    const auto have = split(path);
    if (want.size() != have.size() ||
        std::ranges::count(pattern, '/') != std::ranges::count(path, '/')) {
      return false;
    }
    for (std::size_t i = 0; i < want.size(); ++i) {
      if (want[i].starts_with(':') ? have[i].empty() : want[i] != have[i]) {
        return false;
      }
    }
    return true;
  };
  for (int round = 0; round < 5000; ++round) {
    std::string path;
    for (std::size_t parts = 1 + random() % 4; parts > 0; --parts) {
      path += '/';
      path += std::string_view("abcd").substr(random() % 5, 1);
    }
    const std::string found = at(Method::get, path);
    const bool any = std::ranges::any_of(patterns, [&](const auto& p) { return fits(p, path); });
    EXPECT_EQ(found != "404", any) << path << " -> " << found;
    if (found != "404") {
      EXPECT_TRUE(fits(found.substr(0, found.find('(')), path)) << path << " -> " << found;
    }
  }
}

}  // namespace
}  // namespace sk::app
