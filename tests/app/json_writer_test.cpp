// The writer's output is read back by simdjson's DOM, which shares no code with it.
#include "app/json_check.h"
#include "app/json_writer.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <random>
#include <vector>

namespace sk::app {
namespace json_writer_test {

struct Inner {
  int a = 0;
  std::optional<std::string> b;
};
SK_FIELDS(Inner, a, (b, "b\"\\\n"))

struct Outer {
  std::int64_t id = 0;
  std::uint64_t big = 0;
  std::string name;
  std::vector<Inner> inners;
  std::vector<bool> flags;
  std::map<std::string, double> numbers;
  Timestamp at{};
  RawJson raw;
  bool on = false;
};
SK_FIELDS(Outer, id, big, name, inners, flags, numbers, at, raw, on)

struct Empty {
  std::vector<int> none;
};
SK_FIELDS(Empty, none)

TEST(JsonWriter, WritesEveryKindOfValueCompactly) {
  Outer outer;
  outer.id = std::numeric_limits<std::int64_t>::min();
  outer.big = std::numeric_limits<std::uint64_t>::max();
  outer.name = "a\"b\\c\n\x01";
  outer.inners = {{1, std::nullopt}, {2, "x"}};
  outer.flags = {true, false};
  outer.numbers = {{"e", 1e300}, {"nan", std::numeric_limits<double>::quiet_NaN()}, {"t", 0.1}};
  outer.raw.text = "[1]";
  EXPECT_EQ(
      to_json(outer),
      R"({"id":-9223372036854775808,"big":18446744073709551615,"name":"a\"b\\c\n\u0001",)"
      R"("inners":[{"a":1,"b\"\\\u000a":null},{"a":2,"b\"\\\u000a":"x"}],"flags":[true,false],)"
      R"("numbers":{"e":1e+300,"nan":null,"t":0.1},"at":"1970-01-01T00:00:00.000000Z",)"
      R"("raw":[1],"on":false})");
  EXPECT_EQ(to_json(Empty{}), R"({"none":[]})");
  EXPECT_EQ(to_json("text"), R"("text")");
  EXPECT_EQ(to_json(std::vector<Inner>{}), "[]");
}

TEST(JsonWriter, RandomStringsAndNumbersComeBackThroughSimdjson) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  simdjson::dom::parser parser;
  for (int round = 0; round < 3000; ++round) {
    Outer outer;
    outer.id = static_cast<std::int64_t>(random());
    outer.big = random();
    const std::size_t length = random() % 40;
    for (std::size_t i = 0; i < length; ++i) {
      outer.name.push_back(static_cast<char>(random() % (round % 2 == 0 ? 128 : 256)));
    }
    const auto bits = random();
    double number = 0;
    std::memcpy(&number, &bits, sizeof number);
    // The DOM keeps integers of 64 bits only; to_chars may write 2^70 without an exponent.
    if (std::fabs(number) > 1e15 && std::fabs(number) < 1e30) {
      number = 0.5;
    }
    outer.numbers["n"] = number;
    const std::string text = to_json(outer);
    simdjson::dom::object object;
    ASSERT_EQ(parser.parse(text).get(object), simdjson::SUCCESS) << text;
    EXPECT_EQ(object["id"].get_int64().value(), outer.id);
    EXPECT_EQ(object["big"].get_uint64().value(), outer.big);
    const std::string_view name = object["name"].get_string().value();
    if (round % 2 == 0) {
      EXPECT_EQ(name, outer.name);
    }
    if (std::isfinite(number)) {
      EXPECT_EQ(object["numbers"]["n"].get_double().value(), number) << text;
    }
    EXPECT_FALSE(find_json_mistake(text).has_value()) << text;
  }
}

TEST(JsonCheck, AgreesWithSimdjsonOnMutatedDocuments) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  simdjson::dom::parser parser;
  constexpr std::string_view kBase =
      R"({"id": -12.5e+3, "t":[true,false,null, "a\u00e9\ud83d\ude00\n", "ü", {}], "o":{"":[[]]}})";
  constexpr std::string_view kBytes = "{}[]\",:\\u0019eE+-.tfn \n\xc3\x80\xff";
  for (int round = 0; round < 50'000; ++round) {
    std::string text(kBase);
    for (std::size_t edits = 1 + random() % 3; edits > 0; --edits) {
      const std::size_t at = random() % text.size();
      switch (random() % 3) {
        case 0:
          text[at] = kBytes[random() % kBytes.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 4);
          break;
        default:
          text.insert(at, 1, kBytes[random() % kBytes.size()]);
      }
      if (text.empty()) {
        text = "0";
      }
    }
    const auto error = parser.parse(text).error();
    const auto mistake = find_json_mistake(text);
    // The DOM refuses numbers beyond double; they are JSON all the same.
    if (error != simdjson::NUMBER_ERROR && error != simdjson::BIGINT_ERROR) {
      EXPECT_EQ(error == simdjson::SUCCESS, !mistake.has_value())
          << text << "\n"
          << simdjson::error_message(error) << "\n"
          << (mistake ? mistake->message : "no mistake");
    }
  }
}

TEST(Timestamp, TextAndTimeAgreeOverTheWholeRange) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20'000; ++round) {
    // Years 0000 to 9999.
    const std::int64_t micros =
        -62'167'219'200'000'000 + static_cast<std::int64_t>(random() % 315'569'520'000'000'000);
    const Timestamp time{std::chrono::microseconds{micros}};
    char text[kTimestampBytesMax];
    const std::size_t size = format_timestamp(text, time);
    const auto back = parse_timestamp(std::string_view(text, size));
    ASSERT_TRUE(back.has_value()) << std::string_view(text, size);
    EXPECT_EQ(*back, time);
  }
  for (const Timestamp time : {Timestamp::min(), Timestamp::max()}) {
    char text[kTimestampBytesMax];
    EXPECT_LE(format_timestamp(text, time), sizeof text);
  }
}

TEST(Timestamp, RefusesWhatIsNotRfc3339) {
  for (const std::string_view text :
       {"", "2026", "2026-01-01", "2026-02-30T00:00:00Z", "2026-01-01 00:00:00Z",
        "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:61Z",
        "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00Zx", "2026-01-01T00:00:00.1234567890Z", "2026-1-01T00:00:00Z"}) {
    EXPECT_FALSE(parse_timestamp(text).has_value()) << text;
  }
  EXPECT_TRUE(parse_timestamp("2026-01-01t00:00:00.123456789+23:59").has_value());
}

}  // namespace json_writer_test
}  // namespace sk::app
