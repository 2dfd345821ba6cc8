// How the body of an HTTP/1.1 message is delimited (RFC 9112 6). This is the only place that
// decides it, for messages that are read and for messages that are written.
//
// House rules, stricter than the RFC allows: Content-Length beside Transfer-Encoding, a repeated or
// listed Content-Length, and any Transfer-Encoding other than exactly one "chunked" are refused.
#pragma once

#include "net/http/head.h"
#include "net/http/reject.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace sk {

enum class BodyKind : std::uint8_t {
  none,    // nothing follows the head
  length,  // exactly `length` bytes (may be 0: for a request or response that says so)
  chunked,
  until_close,  // responses only
};

struct Framing {
  BodyKind kind = BodyKind::none;
  std::uint64_t length = 0;

  [[nodiscard]] bool empty() const noexcept {
    return kind == BodyKind::none || (kind == BodyKind::length && length == 0);
  }
  friend bool operator==(const Framing&, const Framing&) = default;
};

// 1*DIGIT below 2^63, nothing else: no sign, no list, no whitespace inside.
[[nodiscard]] std::optional<std::uint64_t> parse_content_length(std::string_view text) noexcept;

// Reading. `fields` still hold Content-Length and Transfer-Encoding as received.
// Refusals of a request: 400, or 501 for a transfer coding we do not know. Of a response: 502.
[[nodiscard]] Checked<Framing> request_framing(const Fields& fields, HttpVersion version);
[[nodiscard]] Checked<Framing> response_framing(const Fields& fields, std::uint16_t status,
                                                HttpVersion version, Method request_method);

// The declared length without regard to whether a body follows (HEAD, 304); call after the above.
[[nodiscard]] std::optional<std::uint64_t> declared_length(const Fields& fields);

// Writing a request: `length` is the body's size where it is known, `has_body` whether one may
// come. A method that usually has a body says "Content-Length: 0" where there is none (RFC
// 9110 8.6).
[[nodiscard]] Framing outgoing_request_framing(Method method, bool has_body,
                                               std::optional<std::uint64_t> length) noexcept;

// Writing a response to a peer of version `peer`: until_close where an HTTP/1.0 peer gets a body of
// unknown length; none for HEAD, 1xx, 204 and 304.
[[nodiscard]] Framing outgoing_response_framing(std::uint16_t status, Method request_method,
                                                HttpVersion peer, bool has_body,
                                                std::optional<std::uint64_t> length) noexcept;

// True for responses that never have a body, whatever their fields say.
[[nodiscard]] bool response_is_bodyless(std::uint16_t status, Method request_method) noexcept;

}  // namespace sk
