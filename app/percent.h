// Percent-encoding of paths and query strings (RFC 3986 2.1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sk::app {

enum class PlusSign : std::uint8_t { literal, space };  // "+" means a space in query strings only

// Appends text decoded to out. False where a '%' is not followed by two hexadecimal digits; out
// then holds what came before. "%00" and "%2F" are decoded like any other.
[[nodiscard]] bool percent_decode(std::string& out, std::string_view text, PlusSign plus);

// True where raw, decoded, is literal. Allocates nothing; false where raw is broken.
[[nodiscard]] bool percent_decodes_to(std::string_view raw, std::string_view literal) noexcept;

// Appends text so that it may stand as one path segment or query value: everything but letters,
// digits and "-._~" is encoded.
void percent_encode(std::string& out, std::string_view text);

}  // namespace sk::app
