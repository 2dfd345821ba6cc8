// OpenSSL's error queue as an Error.
//
// The queue belongs to the thread, not to the connection: what one connection leaves in it would be
// taken for the fault of the next. So it is cleared before each call and emptied after each
// failure.
#pragma once

#include "net/core/result.h"

namespace sk {

// Before every call whose result is going to be asked about.
void clear_tls_errors();

// The cause of the failure that just happened, origin downstream, detail OpenSSL's words for it
// ("wrong version number"); the queue is empty afterwards. Codes: unsupported where the two sides
// have nothing in common, refused where the peer sent an alert, malformed otherwise.
[[nodiscard]] Error take_tls_error();

}  // namespace sk
