// Writes HTTP/1.1 messages in canonical form.
//
// Heads are built from their parsed parts and every byte is checked again, whoever made the head:
// a name that is no token, or a value or target with a control byte, is an Error (malformed) and
// nothing is written. Fields that are this hop's business (Connection, Content-Length,
// Transfer-Encoding, Host, Upgrade, ...) are written from what the caller decided and skipped where
// they stand among the fields.
#pragma once

#include "net/core/buffer.h"
#include "net/core/output_queue.h"
#include "net/core/result.h"
#include "net/http/framing.h"
#include "net/http/head.h"

#include <cstdint>
#include <string_view>

namespace sk {

struct RequestWrite {
  Framing framing;                                   // as outgoing_request_framing() said
  bool keep_alive = true;                            // false: "Connection: close"
  std::string_view default_authority = "localhost";  // Host for HTTP/1.0 clients that sent none
  std::string_view request_id = {};  // X-Request-Id where the head has none; may be empty
};

// HTTP/1.1 always; Host comes first. A head with websocket set asks for that upgrade.
[[nodiscard]] Result<void> write_request_head(OutputQueue& out, const RequestHead& head,
                                              const RequestWrite& how);

struct ResponseWrite {
  Framing framing;                         // as outgoing_response_framing() said
  HttpVersion peer = HttpVersion::http11;  // what the client speaks
  bool keep_alive = true;                  // false: "Connection: close"
  std::int64_t unix_seconds = 0;           // for Date, where the head has none
};

// A final head or, with status 101, the answer to a WebSocket upgrade. Content-Length is also
// written for responses to HEAD and for 304 where the head declares one.
[[nodiscard]] Result<void> write_response_head(OutputQueue& out, const ResponseHead& head,
                                               const ResponseWrite& how);

// 100-199 except 101. Carries no Date and no framing.
[[nodiscard]] Result<void> write_informational(OutputQueue& out, const ResponseHead& head);

// One chunk; an empty slice writes nothing (it would end the body).
void write_chunk(OutputQueue& out, Slice data);

// The last chunk and the trailers that may be sent late (is_trailer_allowed) and are valid; others
// are left out.
void write_last_chunk(OutputQueue& out, const Fields& trailers);

}  // namespace sk
