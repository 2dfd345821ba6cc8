#include "app/query_reader.h"

#include <gtest/gtest.h>

namespace sk::app {
namespace query_reader_test {

struct Page {
  std::optional<std::int32_t> limit;
  std::optional<std::int64_t> after;
  std::vector<std::string> tag;
  std::string name;
  std::optional<bool> deep;
  std::optional<double> ratio;
};
SK_FIELDS(Page, limit, after, tag, name, deep, ratio)
SK_RULES(Page, (limit, range(1, 100)), (tag, length(0, 2)))

std::string errors_of(std::string_view query) {
  Page page;
  std::vector<FieldError> errors;
  const bool fine = read_query(query, 10, page, errors);
  EXPECT_EQ(fine, errors.empty());
  std::string text;
  for (const FieldError& error : errors) {
    text += error.field + "@" + std::to_string(*error.position) + " " + error.message + "; ";
  }
  return text;
}

TEST(QueryReader, ReadsScalarsOptionalsAndVectors) {
  Page page;
  std::vector<FieldError> errors;
  ASSERT_TRUE(
      read_query("limit=5&name=a+b%26c&tag=x&&tag=y&utm_source=z&deep=true&ratio=-1.5e3&after=-7",
                 0, page, errors));
  EXPECT_EQ(page.limit, 5);
  EXPECT_EQ(page.after, -7);
  EXPECT_EQ(page.name, "a b&c");
  EXPECT_EQ(page.tag, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(page.deep, true);
  EXPECT_EQ(page.ratio, -1500.0);
}

TEST(QueryReader, MistakesNameFieldAndPosition) {
  EXPECT_EQ(errors_of("name=&limit=x"), "limit@22 must be a whole number; ");
  EXPECT_EQ(errors_of("name=&limit="), "limit@22 must be a whole number; ");
  EXPECT_EQ(errors_of("name=&limit=101"), "limit@22 must be between 1 and 100, is 101; ");
  EXPECT_EQ(errors_of("name=&limit=99999999999"),
            "limit@22 must be between -2147483648 and 2147483647; ");
  EXPECT_EQ(errors_of("name=&name=b"), "name@21 must not be given twice; ");
  EXPECT_EQ(errors_of("limit=5"), "name@10 is required; ");
  EXPECT_EQ(
      errors_of("name=%zz"),
      "name@10 has a '%' that is not followed by two hexadecimal digits; name@10 is required; ");
  EXPECT_EQ(errors_of("name=&tag=1&tag=2&tag=3"), "tag@32 must have 0 to 2 elements, has 3; ");
  EXPECT_EQ(errors_of("name=&deep=yes"), "deep@21 must be true or false; ");
  EXPECT_EQ(errors_of("name=&ratio=inf"), "ratio@22 must be a number; ");
}

TEST(ScalarText, IntegersAreStrict) {
  EXPECT_EQ(parse_scalar<std::int64_t>("9223372036854775807"), 9223372036854775807);
  for (const std::string_view text :
       {"", "+1", " 1", "1 ", "01", "0x1", "1.0", "-", "1e3", "9223372036854775808", "--1"}) {
    EXPECT_FALSE(parse_scalar<std::int64_t>(text).has_value()) << text;
  }
  EXPECT_EQ(parse_scalar<std::int64_t>("0"), 0);
  EXPECT_FALSE(parse_scalar<std::uint32_t>("-1").has_value());
}

TEST(Percent, EncodedTextComesBack) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all.push_back(static_cast<char>(byte));
  }
  std::string encoded;
  percent_encode(encoded, all);
  std::string decoded;
  ASSERT_TRUE(percent_decode(decoded, encoded, PlusSign::literal));
  EXPECT_EQ(decoded, all);
  EXPECT_TRUE(percent_decodes_to(encoded, all));
  EXPECT_FALSE(percent_decodes_to(encoded, all.substr(1)));
  EXPECT_FALSE(percent_decodes_to("a%", "a%"));
}

}  // namespace query_reader_test
}  // namespace sk::app
