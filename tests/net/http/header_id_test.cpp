#include "net/http/ascii.h"
#include "net/http/header_id.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace sk {
namespace {

TEST(HeaderId, EveryNameIsFoundInAnyCase) {
  std::set<std::string> seen;
  for (std::uint32_t i = 1; i < kHeaderIdCount; ++i) {
    const auto id = static_cast<HeaderId>(i);
    const std::string name(header_name(id));
    std::string upper = name;
    std::ranges::transform(upper, upper.begin(), [](char c) {
      return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    EXPECT_EQ(find_header_id(name), id) << name;
    EXPECT_EQ(find_header_id(upper), id) << upper;
    EXPECT_EQ(find_header_id(header_name_lower(id)), id) << name;
    EXPECT_TRUE(iequals(name, header_name_lower(id)));
    EXPECT_TRUE(is_token(name));
    EXPECT_TRUE(seen.insert(std::string(header_name_lower(id))).second) << name << " stands twice";
    EXPECT_TRUE(is_known_header_number(i));
  }
  EXPECT_FALSE(is_known_header_number(0));
  EXPECT_FALSE(is_known_header_number(kHeaderIdCount));
}

TEST(HeaderId, OtherNamesAreUnknown) {
  for (std::string_view name :
       {"", "X", "Hosts", "Content-Lengt", "Content-Length ", "content_length", "Content\rLength",
        "X-Forwarded-Fo\0", "Transfer-Encoding\x80"}) {
    EXPECT_EQ(find_header_id(name), HeaderId::unknown) << name;
  }
  EXPECT_EQ(find_header_id(std::string(70000, 'a')), HeaderId::unknown);
}

TEST(HeaderId, SetsHoldBothWords) {
  constexpr HeaderIdSet set{HeaderId::host, HeaderId::grpc_status};
  EXPECT_TRUE(set.has(HeaderId::host));
  EXPECT_TRUE(set.has(HeaderId::grpc_status));
  EXPECT_FALSE(set.has(HeaderId::connection));
  EXPECT_TRUE(set.intersects(HeaderIdSet{HeaderId::grpc_status}));
  EXPECT_FALSE(set.intersects(HeaderIdSet{HeaderId::te}));
}

TEST(Ascii, FieldValuesHaveNoControlBytes) {
  for (int byte = 0; byte < 256; ++byte) {
    const bool allowed = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    // At every position of a word, and in a tail.
    for (std::size_t at = 0; at < 11; ++at) {
      std::string text(11, 'a');
      text[at] = static_cast<char>(byte);
      EXPECT_EQ(is_field_value(text), allowed) << byte << " at " << at;
      EXPECT_EQ(is_visible_ascii(text), byte > 0x20 && byte < 0x7f) << byte << " at " << at;
    }
  }
  EXPECT_TRUE(is_field_value(""));
}

TEST(Ascii, CaseIsFoldedForLettersOnly) {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const char x = static_cast<char>(a);
      const char y = static_cast<char>(b);
      ASSERT_EQ(iequals(std::string_view(&x, 1), std::string_view(&y, 1)),
                ascii_lower(x) == ascii_lower(y));
    }
  }
  EXPECT_TRUE(iequals("Transfer-Encoding", "tRANSFER-eNCODING"));
  EXPECT_FALSE(iequals("Transfer-Encoding", "Transfer-Encodin"));
}

TEST(Ascii, ListsAreReadMemberByMember) {
  ListReader list(" a ,b,, c\t,");
  std::string all;
  for (std::string_view member; list.next(member);) {
    all.append("[").append(member).append("]");
  }
  EXPECT_EQ(all, "[a][b][][c][]");
}

}  // namespace
}  // namespace sk
