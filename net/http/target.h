// The request target (RFC 9112 3.2) and the authority (RFC 3986 3.2): checked and normalised once,
// so that routing, logging and forwarding all see the same path.
//
// Path: dot segments are removed, also percent-encoded ones; climbing above the root, "%00", broken
// percent triplets, backslashes, control and non-ASCII bytes are refused with 400. Nothing else is
// decoded ("%2F" and "%252e" stay) and empty segments ("//") are kept. The query is not touched.
#pragma once

#include "net/http/head.h"
#include "net/http/reject.h"

#include <cstddef>
#include <string_view>

namespace sk {

struct Target {
  std::string_view path;       // normalised; "*" for the asterisk-form
  std::string_view query;      // without '?'
  std::string_view authority;  // of an absolute-form target, validated; else empty
  bool has_query = false;
};

// Views of the result point into text or, where the path had to be changed, into arena.
[[nodiscard]] Checked<Target> parse_target(std::string_view text, Method method,
                                           std::size_t authority_bytes_max, HeadArena& arena);

// Normalises path (which begins with '/'); a view of it, or of a copy in arena where it changed.
// Idempotent.
[[nodiscard]] Checked<std::string_view> normalise_path(std::string_view path, HeadArena& arena);

// host[:port]: a name of letters, digits and "-._~", an IPv4 address or an IPv6 literal in
// brackets, port 1-65535. No userinfo, no percent-encoding, no empty host.
[[nodiscard]] Checked<void> check_authority(std::string_view text, std::size_t bytes_max);

}  // namespace sk
