#include "net/core/nearest_name.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sk {
namespace {

constexpr std::array<std::string_view, 4> kNames = {"listen", "database.lanes", "log.requests",
                                                    "io"};

TEST(NearestName, SlipsAreRecognised) {
  EXPECT_EQ(nearest_name("lsiten", kNames), "listen");
  EXPECT_EQ(nearest_name("listn", kNames), "listen");
  EXPECT_EQ(nearest_name("databse.lane", kNames), "database.lanes");
  EXPECT_EQ(nearest_name("oi", kNames), "io");
}

TEST(NearestName, SomethingElseIsNotASlip) {
  EXPECT_EQ(nearest_name("password", kNames), "");
  EXPECT_EQ(nearest_name("", kNames), "");
  EXPECT_EQ(nearest_name(std::string(65, 'x'), kNames), "");
}

}  // namespace
}  // namespace sk
