// JSON, both ways, against simdjson's DOM, which shares no code with ours.
//
// The input is used three times: as a document for the checker (which must agree with simdjson on
// what JSON is) and the reader (which must take exactly the documents that fit the struct, and
// whose value, written and read again, must be the same); and as bytes of a string for the writer.
#include "app/json_check.h"
#include "app/json_reader.h"
#include "app/json_writer.h"

#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace json_fuzz {

struct Leaf {
  std::string text;
  std::optional<std::int32_t> number;
};
SK_FIELDS(Leaf, text, number)

struct Root {
  std::optional<std::int64_t> id;
  std::optional<std::uint8_t> small;
  std::optional<std::string> name;
  std::optional<bool> flag;
  std::optional<double> real;
  std::optional<std::vector<Leaf>> leaves;
  std::optional<std::map<std::string, std::int64_t>> map;
  std::optional<sk::app::RawJson> raw;
  std::optional<sk::app::Timestamp> at;
};
SK_FIELDS(Root, id, small, name, flag, real, leaves, map, raw, at)

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

bool is_json(std::string_view text, bool& sure) {
  static simdjson::dom::parser parser;
  const auto error = parser.parse(text.data(), text.size()).error();
  // The DOM refuses numbers that fit neither 64 bits nor a double, and documents deeper than it
  // likes.
  sure = error != simdjson::NUMBER_ERROR && error != simdjson::BIGINT_ERROR &&
         error != simdjson::DEPTH_ERROR;
  return error == simdjson::SUCCESS;
}

void check_document(std::string_view text) {
  bool sure = false;
  const bool valid = is_json(text, sure);
  const auto mistake = sk::app::find_json_mistake(text);
  const bool too_deep = mistake && mistake->message.find("deeper") != std::string::npos;
  const bool has_mark = text.starts_with("\xef\xbb\xbf");
  if (sure && !too_deep && !has_mark) {
    require(valid == !mistake.has_value());
  }
  if (mistake) {
    require(mistake->offset <= text.size());
  }

  static sk::app::JsonReader reader;
  Root root;
  std::vector<sk::app::FieldError> errors;
  const auto outcome = sk::app::read_json(reader, text, text.size(), root, errors);
  require(errors.empty() == (outcome == sk::app::ReadOutcome::ok));
  require(errors.size() <= sk::app::kFieldErrorsMax);
  if (outcome == sk::app::ReadOutcome::malformed) {
    require(mistake.has_value());
    return;
  }
  require(!mistake.has_value());
  for (const sk::app::FieldError& error : errors) {
    require(*error.position <= text.size());
  }
  if (outcome == sk::app::ReadOutcome::ok) {
    const std::string written = sk::app::to_json(root);
    Root again;
    require(sk::app::read_json(reader, written, written.size(), again, errors) ==
            sk::app::ReadOutcome::ok);
    require(sk::app::to_json(again) == written);
  }
}

void check_string(std::string_view bytes) {
  Leaf leaf{std::string(bytes), 7};
  const std::string written = sk::app::to_json(leaf);
  bool sure = false;
  require(is_json(written, sure));
  require(!sk::app::find_json_mistake(written));
  static sk::app::JsonReader reader;
  Leaf again;
  std::vector<sk::app::FieldError> errors;
  require(sk::app::read_json(reader, written, written.size(), again, errors) ==
          sk::app::ReadOutcome::ok);
  if (simdjson::validate_utf8(bytes.data(), bytes.size())) {
    require(again.text == bytes);
  }
}

}  // namespace json_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // libFuzzer's empty input is a null pointer, which simdjson's DOM would hand to memcpy.
  const std::string_view text(size == 0 ? "" : reinterpret_cast<const char*>(data), size);
  json_fuzz::check_document(text);
  json_fuzz::check_string(text);
  return 0;
}
