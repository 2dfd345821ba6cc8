// What belongs to one connection is taken out of a head here, and what tells the next hop who asked
// is put in (RFC 9110 7.6.1, 7.8; RFC 7239).
//
// After strip_hop_by_hop() a head is end-to-end: no Connection and nothing it nominated, no
// Keep-Alive, TE, Trailer, Upgrade, Expect, Proxy-*, HTTP2-Settings, Transfer-Encoding,
// Content-Length or Host. Nominations of fields that carry meaning end to end (identity,
// authentication, framing, Host) are ignored, so that a client cannot have them removed.
// Names with '_' are removed too: CGI-style servers read them as their '-' twins.
#pragma once

#include "net/http/framing.h"
#include "net/http/head.h"
#include "net/http/reject.h"

#include <string_view>

namespace sk {

struct RequestConnection {
  bool keep_alive = false;        // the client will reuse the connection
  bool expect_continue = false;   // waits for 100 before it sends the body; only where a body comes
  bool accepts_trailers = false;  // TE: trailers
};

// Also sets head.websocket where the request asks for exactly that: GET, HTTP/1.1, no body,
// Connection: upgrade, Upgrade: websocket and a Sec-WebSocket-Key. Every other upgrade is dropped.
// Refusal: 417 for an expectation that is not 100-continue.
[[nodiscard]] Checked<RequestConnection> strip_hop_by_hop(RequestHead& head,
                                                          const Framing& framing);

struct ResponseConnection {
  bool keep_alive = false;
  bool websocket = false;  // Connection: upgrade and Upgrade: websocket, which a 101 must carry
};

[[nodiscard]] ResponseConnection strip_hop_by_hop(ResponseHead& head);

// True if a trailer field of that name may be kept: nothing about framing, routing, connection,
// authentication, identity or content coding may arrive late (RFC 9110 6.5.1).
[[nodiscard]] bool is_trailer_allowed(HeaderId id, std::string_view name) noexcept;

struct ForwardingPeer {
  std::string_view address;  // of the downstream peer, as text, without port
  bool trusted = false;      // its own forwarding fields are believed and extended
};

// From an untrusted peer all Forwarded, X-Forwarded-* and X-Real-IP fields go, and X-Request-Id
// unless it is 1-64 of [A-Za-z0-9_-]. Then X-Forwarded-For gets the peer appended, and
// X-Forwarded-Proto (head.scheme) and X-Forwarded-Host (head.authority) are set where missing.
void apply_forwarding(RequestHead& head, const ForwardingPeer& peer);

}  // namespace sk
