// Text inside JSON strings: whatever bytes come in, valid JSON goes out.
//
// Text may come from the wire: control bytes, DEL and quotes are escaped, and bytes that are not
// UTF-8 become U+FFFD, one for each maximal broken sequence (Unicode 16, section 3.9, table 3-7).
// Nothing here allocates except append_json_string(), which grows the string it is given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sk {

enum class JsonText : std::uint8_t {
  utf8,  // valid UTF-8 passes as it is: documents for clients
  // ASCII only, and a quote is written as \u0022: lines that are searched by regular expressions
  // such as "url": "([^"]+), which neither a hostile URL may fool nor an escaped quote cut short.
  log,
};

// No byte of text grows to more than this many bytes of JSON.
inline constexpr std::size_t kJsonBytesPerByteMax = 6;

// Writes the inside of a JSON string (no surrounding quotes) to out and returns the bytes written.
// Stops before the first character that does not fit whole, so what was written is always valid;
// with out.size() >= kJsonBytesPerByteMax * text.size() everything fits.
std::size_t escape_json(std::span<char> out, std::string_view text,
                        JsonText mode = JsonText::utf8) noexcept;

// Appends text as a JSON string, with its quotes.
void append_json_string(std::string& out, std::string_view text, JsonText mode = JsonText::utf8);

}  // namespace sk
