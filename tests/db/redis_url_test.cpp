// The reading of Redis URLs.
#include "db/redis/config.h"

#include <gtest/gtest.h>

namespace sk::redis {
namespace {

TEST(RedisUrlTest, PartsAreFoundAndDecoded) {
  const auto full = parse_url("rediss://us%65r:p%40ss@[::1]:7000/3");
  ASSERT_TRUE(full);
  EXPECT_TRUE(full->tls);
  EXPECT_EQ(full->user, "user");
  EXPECT_EQ(full->password, "p@ss");
  EXPECT_EQ(full->host, "::1");
  EXPECT_EQ(full->port, 7000);
  EXPECT_EQ(full->database, 3U);
  const auto bare = parse_url("redis://");
  ASSERT_TRUE(bare);
  EXPECT_EQ(bare->host, "localhost");
  EXPECT_EQ(bare->port, 6379);
  const auto local = parse_url("unix:///run/redis.sock?db=2");
  ASSERT_TRUE(local);
  EXPECT_EQ(local->socket_path, "/run/redis.sock");
  EXPECT_EQ(local->database, 2U);
}

TEST(RedisUrlTest, NonsenseIsRefused) {
  for (const char* url :
       {"", "http://h", "redis://h:port", "redis://h:0", "redis://h/x", "redis://a%zz@h",
        "unix://relative/path", "redis://[::1", "redis://h?a=b"}) {
    EXPECT_FALSE(parse_url(url)) << url;
  }
}

}  // namespace
}  // namespace sk::redis
