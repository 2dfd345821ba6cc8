#include "bench/generator/target.h"

#include <gtest/gtest.h>

namespace sk::bench {
namespace {

TEST(TargetUrl, SchemeHostAndPortAreTakenApart) {
  const Result<Target> plain = Target::parse("http://127.0.0.1:7500/");
  ASSERT_TRUE(plain.has_value());
  EXPECT_FALSE(plain->tls);
  EXPECT_EQ(plain->host, "127.0.0.1");
  EXPECT_EQ(plain->port, 7500);
  EXPECT_EQ(plain->authority, "127.0.0.1:7500");

  const Result<Target> secure = Target::parse("https://api.example.com");
  ASSERT_TRUE(secure.has_value());
  EXPECT_TRUE(secure->tls);
  EXPECT_EQ(secure->port, 443);
  EXPECT_EQ(secure->authority, "api.example.com");

  const Result<Target> six = Target::parse("http://[::1]:80");
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->authority, "[::1]:80");
}

TEST(TargetUrl, AnythingElseIsRefusedWithWhatWasExpected) {
  for (const char* wrong :
       {"", "127.0.0.1:80", "ftp://host", "http://", "http://host:0", "http://host:70000",
        "http://host:", "http://host/path", "http://user@host", "http://host?x", "http://[::1",
        "http://ho st", "http://host:8x"}) {
    const Result<Target> target = Target::parse(wrong);
    ASSERT_FALSE(target.has_value()) << wrong;
    EXPECT_EQ(target.error().origin, ErrorOrigin::config);
    EXPECT_NE(std::string(target.error().detail).find("http://127.0.0.1:7500"), std::string::npos);
  }
}

}  // namespace
}  // namespace sk::bench
