#include "app/json_reader.h"
#include "app/json_writer.h"

#include <gtest/gtest.h>

#include <map>

namespace sk::app {
namespace json_reader_test {

struct Label {
  std::string text;
  std::optional<std::int32_t> weight;
};
SK_FIELDS(Label, text, weight)
SK_RULES(Label, (text, length(1, 5)))

struct Order {
  std::int64_t id = 0;
  std::string name;
  std::optional<std::string> note;
  bool paid = false;
  double total = 0;
  std::vector<Label> labels;
  std::optional<Timestamp> at;
  std::optional<RawJson> extra;
  std::optional<std::uint8_t> small;
};
SK_FIELDS(Order, id, name, note, paid, total, labels, at, extra, small)
SK_RULES(Order, (name, length(1, 4)), (note, length(0, 3)), (id, range(1, 1000)))

struct Tree {
  std::vector<Tree> children;
};
SK_FIELDS(Tree, children)

constexpr const char* kGood =
    R"({"id":7,"name":"Jürg","paid":true,"total":1.5,"labels":[{"text":"a"},{"text":"b","weight":-2}],)"
    R"("at":"2026-01-31T09:05:07Z", "extra" : {"k":[1, 2]} ,"small":255})";

class JsonReaderTest : public ::testing::Test {
 protected:
  template <typename T = Order>
  ReadOutcome read(std::string_view text) {
    value_ = Order{};
    T value{};
    const ReadOutcome outcome = read_json(reader_, text, text.size(), value, errors_);
    if constexpr (std::same_as<T, Order>) {
      value_ = std::move(value);
    }
    return outcome;
  }

  // "field@position: message" of the only error.
  std::string only_error() {
    if (errors_.size() != 1) {
      return "there are " + std::to_string(errors_.size()) + " errors";
    }
    return errors_[0].field + "@" + std::to_string(errors_[0].position.value_or(9999)) + ": " +
           errors_[0].message;
  }

  JsonReader reader_;
  Order value_;
  std::vector<FieldError> errors_;
};

TEST_F(JsonReaderTest, ReadsEveryKindOfMember) {
  ASSERT_EQ(read(kGood), ReadOutcome::ok) << only_error();
  EXPECT_EQ(value_.id, 7);
  EXPECT_EQ(value_.name, "Jürg");
  EXPECT_FALSE(value_.note.has_value());
  EXPECT_TRUE(value_.paid);
  EXPECT_EQ(value_.total, 1.5);
  ASSERT_EQ(value_.labels.size(), 2U);
  EXPECT_EQ(value_.labels[1].weight, -2);
  EXPECT_EQ(to_json(*value_.at), "\"2026-01-31T09:05:07.000000Z\"");
  EXPECT_EQ(value_.extra->text, R"({"k":[1, 2]})");
  EXPECT_EQ(value_.small, 255);
}

TEST_F(JsonReaderTest, WhatTheWriterWroteComesBack) {
  ASSERT_EQ(read(kGood), ReadOutcome::ok);
  const std::string text = to_json(value_);
  ASSERT_EQ(read(text), ReadOutcome::ok) << text << only_error();
  EXPECT_EQ(to_json(value_), text);
}

TEST_F(JsonReaderTest, WrongTypeNamesFieldPositionAndWhatItIs) {
  EXPECT_EQ(read(R"({"id":7,"name":5,"paid":true,"total":1,"labels":[]})"), ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "name@15: must be a string, not a number");
  EXPECT_EQ(read(R"({"id":"7","name":"x","paid":true,"total":1,"labels":[]})"),
            ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "id@6: must be a whole number, not a string");
  EXPECT_EQ(read(R"({"id":1.0,"name":"x","paid":true,"total":1,"labels":[]})"),
            ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "id@6: must be a whole number, without fraction or exponent");
  EXPECT_EQ(read(R"({"id":1,"name":"x","paid":"yes","total":1,"labels":[]})"),
            ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "paid@26: must be true or false, not a string");
  EXPECT_EQ(read(R"({"id":1,"name":"x","paid":true,"total":1,"labels":[],"small":256})"),
            ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "small@61: must be between 0 and 255");
  EXPECT_EQ(read(R"({"id":1,"name":"x","paid":true,"total":1,"labels":[],"small":-1})"),
            ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "small@61: must be between 0 and 255");
  EXPECT_EQ(read(R"({"id":99999999999999999999,"name":"x","paid":true,"total":1,"labels":[]})"),
            ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "id@6: must be between -9223372036854775808 and 9223372036854775807");
}

TEST_F(JsonReaderTest, ElementsAndNestedMembersAreNamedByTheirPath) {
  EXPECT_EQ(
      read(
          R"({"id":1,"name":"x","paid":true,"total":1,"labels":[{"text":"a"},{"text":"toolong"}]})"),
      ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "labels[1].text@72: must have 1 to 5 characters, has 7");
  EXPECT_EQ(read(R"({"id":1,"name":"x","paid":true,"total":1,"labels":[null]})"),
            ReadOutcome::invalid);
  EXPECT_EQ(only_error(), "labels[0]@51: must be an object, not null");
}

TEST_F(JsonReaderTest, MissingUnknownAndRepeatedFieldsAreAllTold) {
  EXPECT_EQ(read(R"({"nmae":"x","id":1,"id":2,"total":1,"labels":[]})"), ReadOutcome::invalid);
  ASSERT_EQ(errors_.size(), 4U);
  EXPECT_EQ(errors_[0].field, "nmae");
  EXPECT_EQ(errors_[0].message, "is not a known field; did you mean name?");
  EXPECT_EQ(errors_[1].message, "must not be given twice");
  EXPECT_EQ(errors_[2].field, "name");
  EXPECT_EQ(errors_[2].message, "is required");
  EXPECT_EQ(errors_[3].field, "paid");
}

TEST_F(JsonReaderTest, RulesCountCharactersNotBytes) {
  EXPECT_EQ(read(R"({"id":1,"name":"äöü€","note":"日本語","paid":true,"total":1,"labels":[]})"),
            ReadOutcome::ok)
      << only_error();
  EXPECT_EQ(read(R"({"id":0,"name":"","note":"日本語x","paid":true,"total":1,"labels":[]})"),
            ReadOutcome::invalid);
  EXPECT_EQ(errors_.size(), 3U);
}

TEST_F(JsonReaderTest, MalformedJsonOutranksWrongTypes) {
  EXPECT_EQ(read("{\"id\":\"x\",\n \"name\": tru}"), ReadOutcome::malformed);
  ASSERT_EQ(errors_.size(), 1U);
  EXPECT_EQ(errors_[0].field, "name");
  EXPECT_EQ(errors_[0].line, 2U);
  EXPECT_EQ(errors_[0].column, 13U);
  EXPECT_EQ(errors_[0].position, 23U);
}

TEST_F(JsonReaderTest, EachWayToBreakJsonIsMalformed) {
  for (const std::string_view text : {"",
                                      "   ",
                                      "{",
                                      "}",
                                      "{\"id\":1",
                                      "{\"id\":1,}",
                                      "{\"id\" 1}",
                                      "{id:1}",
                                      "{\"id\":01}",
                                      "{\"id\":1}}",
                                      "{\"id\":1} x",
                                      "{\"name\":\"\\x\"}",
                                      "{\"name\":\"\\ud800\"}",
                                      "{\"name\":\"a\nb\"}",
                                      "{\"name\":\"\xff\"}",
                                      "{\"name\":\"unclosed}",
                                      "[1,]",
                                      "nul",
                                      "{\"labels\":[{}",
                                      "{\"labels\":[,]}",
                                      "{\"extra\":{\"a\":tru}}",
                                      "{\"extra\":{\"a\" 1}}",
                                      "\xef\xbb\xbf{}",
                                      "{\"total\":1.}",
                                      "{\"total\":.5}",
                                      "{\"total\":1e}",
                                      "{\"total\":-}",
                                      "{\"note\":nulll}",
                                      "{\"paid\":truex}",
                                      "{\"total\":NaN}",
                                      "{'id':1}",
                                      "{\"id\":1,,}"}) {
    EXPECT_EQ(read(text), ReadOutcome::malformed) << text;
    EXPECT_EQ(errors_.size(), 1U) << text;
  }
}

TEST_F(JsonReaderTest, AWrongRootIsInvalidNotMalformed) {
  for (const std::string_view text : {"[]", "5", "\"x\"", "null", "true", "-1.5"}) {
    EXPECT_EQ(read(text), ReadOutcome::invalid) << text;
    EXPECT_EQ(errors_.at(0).field, "body") << text;
  }
}

TEST_F(JsonReaderTest, DeepNestingIsRefusedWithoutDeepRecursion) {
  std::string text;
  for (int i = 0; i < 100'000; ++i) {
    text += "{\"children\":[";
  }
  EXPECT_EQ(read<Tree>(text), ReadOutcome::malformed);
  std::string unknown = "{\"extra\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(read(unknown), ReadOutcome::malformed);
  EXPECT_NE(only_error().find("deeper"), std::string::npos);
}

TEST_F(JsonReaderTest, ErrorsAreBounded) {
  std::string text = "{";
  for (int i = 0; i < 1000; ++i) {
    text += "\"k" + std::to_string(i) + "\":1,";
  }
  text += "\"id\":1}";
  EXPECT_EQ(read(text), ReadOutcome::invalid);
  EXPECT_EQ(errors_.size(), kFieldErrorsMax);
}

TEST_F(JsonReaderTest, PositionsOfFieldsAreKept) {
  constexpr std::string_view kText = R"({ "weight": 3, "text":"a"})";
  Label label;
  FieldPositions<Label> positions;
  ASSERT_EQ(read_json(reader_, kText, kText.size(), label, errors_, positions), ReadOutcome::ok);
  EXPECT_EQ(positions[0], 22U);
  EXPECT_EQ(positions[1], 12U);
}

TEST_F(JsonReaderTest, MapsVectorsAndRawRootsAreRead) {
  std::map<std::string, std::vector<int>> map;
  constexpr std::string_view kMap = R"({"a":[1,2],"b":[]})";
  ASSERT_EQ(read_json(reader_, kMap, kMap.size(), map, errors_), ReadOutcome::ok);
  EXPECT_EQ(map.at("a"), (std::vector<int>{1, 2}));
  RawJson raw;
  for (const std::string_view text : {"{\"a\": [1]}", "5", "\"x\"", "[ ]", "null"}) {
    ASSERT_EQ(read_json(reader_, text, text.size(), raw, errors_), ReadOutcome::ok) << text;
    EXPECT_EQ(raw.text, text);
  }
}

TEST_F(JsonReaderTest, PaddingOfTheCallerIsUsedWhereItIsThere) {
  std::string text = kGood;
  text.reserve(text.size() + JsonReader::kPaddingBytes);
  Order value;
  EXPECT_EQ(read_json(reader_, text, text.capacity(), value, errors_), ReadOutcome::ok);
  EXPECT_EQ(value.id, 7);
}

}  // namespace json_reader_test
}  // namespace sk::app
