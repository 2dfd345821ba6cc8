// Strict JSON (RFC 8259) checked byte by byte, for the place and the reason of a mistake.
//
// simdjson tells that a document is broken; a client wants to know where. This check runs only
// after a body was refused, and over RawJson members, so it is written for good messages, not for
// speed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sk::app {

// Arrays and objects may be nested this deep.
inline constexpr std::size_t kJsonDepthMax = 64;

struct JsonMistake {
  std::size_t offset;  // of the byte that cannot stand there; text.size() where text ends too soon
  std::string field;   // the member or element it belongs to, such as "tags[2].label"; may be empty
  std::string message;  // "expected ',' or '}' after a member"
};

// The first mistake of text as one JSON document; nothing where it is valid.
[[nodiscard]] std::optional<JsonMistake> find_json_mistake(std::string_view text);

}  // namespace sk::app
