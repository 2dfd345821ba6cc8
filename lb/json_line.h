// Is a line of text one JSON object? Lines of workers that are go into our log as they are.
#pragma once

#include <string_view>

namespace sk::lb {

// Syntax of RFC 8259, nesting up to 32; strings must be UTF-8 without control bytes.
bool is_json_object(std::string_view text);

}  // namespace sk::lb
