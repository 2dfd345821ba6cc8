// Goal: which values of the field traceparent count as one.

#include "net/http/traceparent.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sk {
namespace {

TEST(Traceparent, OnlyVersion00InLowerCaseCounts) {
  constexpr std::string_view kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(is_traceparent(kGood));
  std::string text(kGood);
  text[0] = '1';
  EXPECT_FALSE(is_traceparent(text));
  text = kGood;
  text[4] = 'B';
  EXPECT_FALSE(is_traceparent(text));
  EXPECT_FALSE(is_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
  EXPECT_FALSE(is_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
  EXPECT_FALSE(is_traceparent(kGood.substr(0, 54)));
  EXPECT_FALSE(is_traceparent(""));
}

}  // namespace
}  // namespace sk
