// Any bytes as text of a JSON string: valid JSON in any room, and both forms mean the same.
#include "net/core/json_text.h"

#include <simdjson.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

std::string meaning(simdjson::dom::parser& parser, const std::string& json) {
  std::string_view value;
  if (parser.parse(simdjson::padded_string(json)).get_string().get(value) != simdjson::SUCCESS) {
    std::abort();
  }
  return std::string(value);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  // The first byte chooses the room, the rest is text.
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  simdjson::dom::parser parser;
  std::string utf8;
  std::string log;
  sk::append_json_string(utf8, text, sk::JsonText::utf8);
  sk::append_json_string(log, text, sk::JsonText::log);
  if (meaning(parser, utf8) != meaning(parser, log)) {
    std::abort();
  }
  for (const sk::JsonText mode : {sk::JsonText::utf8, sk::JsonText::log}) {
    std::string room(data[0], '\0');
    room.resize(sk::escape_json(room, text, mode));
    const std::string& whole = mode == sk::JsonText::utf8 ? utf8 : log;
    if (whole.compare(1, room.size(), room) != 0) {
      std::abort();
    }
    meaning(parser, "\"" + room + "\"");
  }
  return 0;
}
