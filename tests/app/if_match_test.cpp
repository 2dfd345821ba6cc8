#include "app/if_match.h"

#include <gtest/gtest.h>

namespace sk::app {
namespace {

TEST(EntityTags, StrongTagsMatchStronglyWeakOnesOnlyWeakly) {
  const EntityTags tags = parse_entity_tags(R"("3", W/"4" ,"-5")");
  EXPECT_TRUE(tags.strongly_match(3));
  EXPECT_FALSE(tags.strongly_match(4));
  EXPECT_TRUE(tags.weakly_match(4));
  EXPECT_TRUE(tags.strongly_match(-5));
  EXPECT_FALSE(tags.weakly_match(6));
}

TEST(EntityTags, AStarMatchesEverything) {
  EXPECT_TRUE(parse_entity_tags(" * ").strongly_match(1));
  EXPECT_FALSE(parse_entity_tags(R"("*")").strongly_match(1));
}

TEST(EntityTags, WhatIsNoTagOfOursMatchesNothing) {
  for (const char* text : {"", ",", "3", "\"", "\"\"", "\"3", "3\"", "\"3x\"", "\"03\"", "W/3",
                           "w/\"3\"", "\"99999999999999999999\"", "\"abc, 3\""}) {
    const EntityTags tags = parse_entity_tags(text);
    EXPECT_FALSE(tags.weakly_match(3)) << text;
    EXPECT_FALSE(tags.any) << text;
  }
}

TEST(EntityTags, OurOwnTagsComeBack) {
  EXPECT_EQ(etag_of(7), "\"7\"");
  EXPECT_TRUE(parse_entity_tags(etag_of(INT64_MAX)).strongly_match(INT64_MAX));
}

}  // namespace
}  // namespace sk::app
