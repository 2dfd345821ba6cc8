// RequestHead and ResponseHead: a parsed message head, whatever protocol carried it.
//
// Heads are end-to-end: what belongs to one connection or to framing is not in `fields` but was
// taken out and decided by whoever received the message, and is written anew by whoever sends it:
//   Host               -> authority
//   Content-Length     -> content_length
//   Transfer-Encoding, Connection and what it nominates, Keep-Alive, TE, Trailer, Upgrade,
//   Proxy-*, HTTP2-Settings, Expect -> the server's and client's own business (hop_by_hop.h)
// so that there is one truth for each of them, and a head can go out over h1, h2 or the link.
//
// All views point into fields.arena(), static text, or bytes that outlive the head. A head is
// movable (views stay valid) and reusable: reset() empties it and keeps its first block.
#pragma once

#include "net/http/fields.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sk {

enum class Method : std::uint8_t {
  other = 0,  // method_text says which
  get,
  head,
  post,
  put,
  patch,
  delete_,
  options,
  connect,
  trace,
};

// Case-sensitive (RFC 9110 9.1); Method::other for anything not listed above.
[[nodiscard]] Method find_method(std::string_view text) noexcept;
// "GET"; empty for other.
[[nodiscard]] std::string_view method_name(Method method) noexcept;
// RFC 9110 9.2.2: a repetition has the same effect. False for other.
[[nodiscard]] constexpr bool is_idempotent(Method method) noexcept {
  return method != Method::other && method != Method::post && method != Method::patch &&
         method != Method::connect;
}

enum class HttpVersion : std::uint8_t { http10, http11, http2 };

// "HTTP/1.1"
[[nodiscard]] std::string_view version_name(HttpVersion version) noexcept;

enum class Scheme : std::uint8_t { http, https };

struct RequestHead {
  Method method = Method::get;
  HttpVersion version = HttpVersion::http11;
  Scheme scheme = Scheme::http;  // of the connection; an absolute-form target does not decide it
  std::string_view method_text;  // always set, "GET"
  std::string_view
      authority;           // host[:port], validated, as sent; empty only for HTTP/1.0 without Host
  std::string_view path;   // normalised, begins with '/' (see target.h); "*" for OPTIONS *
  std::string_view query;  // without '?', untouched
  bool has_query = false;  // tells "/a?" from "/a"
  bool websocket = false;  // asks to be upgraded to WebSocket; no other upgrade exists here
  std::optional<std::uint64_t> content_length;  // declared by the sender
  Fields fields;

  // host of authority without port and without the brackets of an IPv6 literal; case as sent.
  [[nodiscard]] std::string_view host() const noexcept;

  void set_method(Method value) noexcept {
    method = value;
    method_text = method_name(value);
  }
  void reset() noexcept;
  void release() noexcept;
};

struct ResponseHead {
  std::uint16_t status = 0;  // 100-999; 0: not set
  HttpVersion version = HttpVersion::http11;
  // What the sender declared: also for responses to HEAD and for 304, where no body follows.
  std::optional<std::uint64_t> content_length;
  Fields fields;

  [[nodiscard]] bool informational() const noexcept { return status >= 100 && status < 200; }
  void reset() noexcept;
  void release() noexcept;
};

// Standard reason phrase, "OK"; "Unknown" for a code without one. Static text.
[[nodiscard]] std::string_view reason_phrase(std::uint16_t status) noexcept;

}  // namespace sk
