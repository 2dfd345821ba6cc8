// Which statements may run on connections that all requests share.
#pragma once

#include <string_view>

namespace sk::pg {

// The first word of the statement if it would change the session for everybody who comes after
// (BEGIN, SET, LISTEN, COPY, ...), as it is written there; empty if the statement may run. Comments
// and white space in front of it are skipped. A safeguard against mistakes, not against attackers:
// a lane that is found inside a transaction is closed in any case.
[[nodiscard]] std::string_view session_statement(std::string_view sql);

}  // namespace sk::pg
