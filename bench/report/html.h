// Text in HTML and SVG: whatever bytes come in, nothing but text comes out.
#pragma once

#include <string>
#include <string_view>

namespace sk::bench {

// For element content and for attribute values in double quotes. The name is cut and cleaned of
// control characters first (display_name in text.h); bytes that are not UTF-8 are the reader's
// replacement characters, they cannot form markup.
[[nodiscard]] std::string html_name(std::string_view name);

// The same for text of our own and for commands: escaped, not cut.
[[nodiscard]] std::string html_text(std::string_view text);

// A number as JSON has it: the shortest text that reads back the same; "" for what is not finite.
[[nodiscard]] std::string number_text(double value);

}  // namespace sk::bench
