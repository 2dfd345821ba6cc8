// Durations and sizes as configurations write them.
#include "net/core/units.h"

#include <gtest/gtest.h>

namespace sk {
namespace {

using namespace std::chrono_literals;

TEST(Units, DurationsReadAndPrint) {
  EXPECT_EQ(parse_duration("250ms"), Duration(250ms));
  EXPECT_EQ(parse_duration("1m30s"), Duration(90s));
  EXPECT_EQ(parse_duration("1.5s"), Duration(1500ms));
  EXPECT_EQ(parse_duration("500us"), Duration(500us));
  EXPECT_EQ(parse_duration("0s"), Duration(0s));
  for (const char* bad : {"", "5", "s", "-1s", "1 s", "1s ", "1s1m", "1s1s", "1e3s", "1d", "nan s",
                          "infs", "99999999h", "1.2.3s", "0x1s"}) {
    EXPECT_FALSE(parse_duration(bad)) << bad;
  }
  for (const char* good : {"90s", "1h", "5m", "250ms", "1500ms", "500us"}) {
    EXPECT_EQ(format_duration(*parse_duration(good)), good);
  }
}

TEST(Units, SizesReadAndPrint) {
  EXPECT_EQ(parse_size("8MiB"), std::size_t{8} << 20);
  EXPECT_EQ(parse_size("0B"), std::size_t{0});
  for (const char* bad : {"", "8", "8MB", "8 MiB", "-1B", "1.5KiB", "99999999999999999999GiB"}) {
    EXPECT_FALSE(parse_size(bad)) << bad;
  }
  for (const char* good : {"8MiB", "64KiB", "1000B", "2GiB", "0B"}) {
    EXPECT_EQ(format_size(*parse_size(good)), good);
  }
}

}  // namespace
}  // namespace sk
