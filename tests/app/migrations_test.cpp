// Quoting of migrations; that they run once is tested with a real database in tests/system.
#include "app/migrations.h"

#include <gtest/gtest.h>

namespace sk::app {
namespace {

TEST(Migrations, SqlIsQuotedWhateverItHolds) {
  const std::string plain = migration_statement({.version = 1, .name = "n", .sql = "select 1"});
  EXPECT_NE(plain.find("execute $m$select 1$m$"), std::string::npos) << plain;
  EXPECT_TRUE(plain.starts_with("do $sk$begin "));

  const std::string hostile = migration_statement(
      {.version = 2,
       .name = "it's",
       .sql = "do $m$ begin end $m$; do $sk$ begin end $sk$; select $m1$x$m1$"});
  EXPECT_NE(hostile.find("execute $m2$do $m$"), std::string::npos) << hostile;
  EXPECT_TRUE(hostile.starts_with("do $sk1$begin ")) << hostile;
  EXPECT_TRUE(hostile.ends_with("end$sk1$")) << hostile;
  // The end of the text must not become the beginning of the quote.
  const std::string half = migration_statement({.version = 3, .name = "n", .sql = "select '$m"});
  EXPECT_NE(half.find("execute $m1$select '$m$m1$"), std::string::npos) << half;
  EXPECT_NE(hostile.find("values (2, $m$it's$m$)"), std::string::npos) << hostile;
}

}  // namespace
}  // namespace sk::app
