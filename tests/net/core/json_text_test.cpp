#include "net/core/json_text.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <array>
#include <random>
#include <string>

namespace sk {
namespace {

std::string escaped(std::string_view text, JsonText mode = JsonText::utf8) {
  std::string room(text.size() * kJsonBytesPerByteMax, '?');
  room.resize(escape_json(room, text, mode));
  return room;
}

// What a strict parser makes of it; fails the test where it refuses.
std::string parsed(std::string_view json) {
  simdjson::dom::parser parser;
  std::string_view value;
  const auto error = parser.parse(simdjson::padded_string(json)).get_string().get(value);
  EXPECT_EQ(error, simdjson::SUCCESS) << json;
  return std::string(value);
}

TEST(JsonText, PlainTextAndValidUtf8PassUnchanged) {
  const std::string text = "users/42?x=1 \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 and a longer tail";
  EXPECT_EQ(escaped(text), text);
}

TEST(JsonText, QuotesBackslashesAndControlBytesAreEscaped) {
  using namespace std::string_view_literals;
  EXPECT_EQ(escaped("a\"b\\c\b\f\n\r\t\0\x1b\x7f"sv),
            "a\\\"b\\\\c\\b\\f\\n\\r\\t\\u0000\\u001b\\u007f");
}

TEST(JsonText, LogFormIsAsciiAndHasNoQuoteInside) {
  EXPECT_EQ(escaped("\"\xc3\xa4\xf0\x9f\x98\x80\xff", JsonText::log),
            "\\u0022\\u00e4\\ud83d\\ude00\\ufffd");
}

TEST(JsonText, EachMaximalBrokenSequenceBecomesOneReplacementCharacter) {
  const std::string replacement = "\xef\xbf\xbd";
  EXPECT_EQ(escaped("\xc0\xaf"), replacement + replacement);  // overlong
  EXPECT_EQ(escaped("\xe2\x82"), replacement);                // truncated
  EXPECT_EQ(escaped("\xe2\x82x"), replacement + "x");
  EXPECT_EQ(escaped("\xed\xa0\x80"), replacement + replacement + replacement);  // surrogate
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"),
            replacement + replacement + replacement + replacement);  // beyond U+10FFFF
  EXPECT_EQ(escaped("\x80"), replacement);
}

TEST(JsonText, EveryByteAtEveryPlaceOfAWordGivesValidJson) {
  for (int byte = 0; byte < 256; ++byte) {
    for (std::size_t place = 0; place < 17; ++place) {
      std::string text(17, 'a');
      text[place] = static_cast<char>(byte);
      const std::string log = "\"" + escaped(text, JsonText::log) + "\"";
      const std::string utf8 = "\"" + escaped(text) + "\"";
      const std::string meant = byte < 0x80 ? text : text.replace(place, 1, "\xef\xbf\xbd");
      EXPECT_EQ(parsed(log), meant) << byte;
      EXPECT_EQ(parsed(utf8), meant) << byte;
    }
  }
}

TEST(JsonText, AnyRoomGivesAValidPrefix) {
  const std::string text =
      "ab\"\n\xc3\xa4\xf0\x9f\x98\x80\x01\xff"
      "end";
  for (const JsonText mode : {JsonText::utf8, JsonText::log}) {
    const std::string whole = escaped(text, mode);
    for (std::size_t room_bytes = 0; room_bytes <= whole.size(); ++room_bytes) {
      std::string room(room_bytes + 1, '~');
      const std::size_t written = escape_json({room.data(), room_bytes}, text, mode);
      ASSERT_LE(written, room_bytes);
      EXPECT_EQ(room[room_bytes], '~');
      EXPECT_EQ(room.substr(0, written), whole.substr(0, written));
      parsed("\"" + room.substr(0, written) + "\"");
    }
  }
}

TEST(JsonText, RandomBytesAlwaysParse) {
  std::mt19937 random(20251123);
  // Bytes that make interesting UTF-8 come often.
  constexpr std::array<unsigned char, 12> kLikely = {0xc2, 0xe0, 0xed, 0xf0, 0xf4, 0x80,
                                                     0xbf, 0x9f, 0x90, '"',  '\\', 'a'};
  for (int round = 0; round < 20'000; ++round) {
    std::string text(random() % 40, 'x');
    for (char& byte : text) {
      byte = static_cast<char>(random() % 2 == 0 ? kLikely[random() % kLikely.size()]
                                                 : random() % 256);
    }
    std::string appended;
    append_json_string(appended, text);
    ASSERT_EQ(appended, "\"" + escaped(text) + "\"");
    const std::string log = "\"" + escaped(text, JsonText::log) + "\"";
    ASSERT_EQ(parsed(appended), parsed(log));
    ASSERT_EQ(log.find('"', 1), log.size() - 1);
  }
}

}  // namespace
}  // namespace sk
