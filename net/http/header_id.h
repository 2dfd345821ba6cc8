// Ids of the header names this program knows, shared by HTTP/1.1, HTTP/2 and the worker link.
//
// A known field is found by id instead of by text, travels over the link as one number, and is
// written with its canonical name. Adding, removing or reordering a line changes
// header_table_hash(), which both ends of a link compare in HELLO: they must come from one build.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

// name in code, name on the wire (HTTP/1.1 spelling; HTTP/2 uses the lower-case form)
#define SK_HEADER_TABLE(X)                                                \
  X(host, "Host")                                                         \
  X(connection, "Connection")                                             \
  X(content_length, "Content-Length")                                     \
  X(transfer_encoding, "Transfer-Encoding")                               \
  X(content_type, "Content-Type")                                         \
  X(content_encoding, "Content-Encoding")                                 \
  X(content_language, "Content-Language")                                 \
  X(content_location, "Content-Location")                                 \
  X(content_range, "Content-Range")                                       \
  X(content_disposition, "Content-Disposition")                           \
  X(content_security_policy, "Content-Security-Policy")                   \
  X(date, "Date")                                                         \
  X(server, "Server")                                                     \
  X(expect, "Expect")                                                     \
  X(te, "TE")                                                             \
  X(trailer, "Trailer")                                                   \
  X(upgrade, "Upgrade")                                                   \
  X(keep_alive, "Keep-Alive")                                             \
  X(proxy_connection, "Proxy-Connection")                                 \
  X(proxy_authenticate, "Proxy-Authenticate")                             \
  X(proxy_authorization, "Proxy-Authorization")                           \
  X(proxy_authentication_info, "Proxy-Authentication-Info")               \
  X(proxy, "Proxy")                                                       \
  X(http2_settings, "HTTP2-Settings")                                     \
  X(accept, "Accept")                                                     \
  X(accept_charset, "Accept-Charset")                                     \
  X(accept_encoding, "Accept-Encoding")                                   \
  X(accept_language, "Accept-Language")                                   \
  X(accept_ranges, "Accept-Ranges")                                       \
  X(authorization, "Authorization")                                       \
  X(www_authenticate, "WWW-Authenticate")                                 \
  X(cookie, "Cookie")                                                     \
  X(set_cookie, "Set-Cookie")                                             \
  X(user_agent, "User-Agent")                                             \
  X(referer, "Referer")                                                   \
  X(origin, "Origin")                                                     \
  X(range, "Range")                                                       \
  X(if_match, "If-Match")                                                 \
  X(if_none_match, "If-None-Match")                                       \
  X(if_modified_since, "If-Modified-Since")                               \
  X(if_unmodified_since, "If-Unmodified-Since")                           \
  X(if_range, "If-Range")                                                 \
  X(etag, "ETag")                                                         \
  X(last_modified, "Last-Modified")                                       \
  X(location, "Location")                                                 \
  X(cache_control, "Cache-Control")                                       \
  X(pragma, "Pragma")                                                     \
  X(expires, "Expires")                                                   \
  X(age, "Age")                                                           \
  X(vary, "Vary")                                                         \
  X(via, "Via")                                                           \
  X(allow, "Allow")                                                       \
  X(retry_after, "Retry-After")                                           \
  X(link, "Link")                                                         \
  X(max_forwards, "Max-Forwards")                                         \
  X(forwarded, "Forwarded")                                               \
  X(x_forwarded_for, "X-Forwarded-For")                                   \
  X(x_forwarded_proto, "X-Forwarded-Proto")                               \
  X(x_forwarded_host, "X-Forwarded-Host")                                 \
  X(x_forwarded_port, "X-Forwarded-Port")                                 \
  X(x_forwarded_prefix, "X-Forwarded-Prefix")                             \
  X(x_forwarded_server, "X-Forwarded-Server")                             \
  X(x_real_ip, "X-Real-IP")                                               \
  X(x_request_id, "X-Request-Id")                                         \
  X(x_amzn_trace_id, "X-Amzn-Trace-Id")                                   \
  X(traceparent, "Traceparent")                                           \
  X(tracestate, "Tracestate")                                             \
  X(baggage, "Baggage")                                                   \
  X(sec_websocket_key, "Sec-WebSocket-Key")                               \
  X(sec_websocket_version, "Sec-WebSocket-Version")                       \
  X(sec_websocket_accept, "Sec-WebSocket-Accept")                         \
  X(sec_websocket_protocol, "Sec-WebSocket-Protocol")                     \
  X(sec_websocket_extensions, "Sec-WebSocket-Extensions")                 \
  X(strict_transport_security, "Strict-Transport-Security")               \
  X(x_content_type_options, "X-Content-Type-Options")                     \
  X(x_frame_options, "X-Frame-Options")                                   \
  X(x_cache, "X-Cache")                                                   \
  X(x_requested_with, "X-Requested-With")                                 \
  X(access_control_allow_origin, "Access-Control-Allow-Origin")           \
  X(access_control_allow_methods, "Access-Control-Allow-Methods")         \
  X(access_control_allow_headers, "Access-Control-Allow-Headers")         \
  X(access_control_allow_credentials, "Access-Control-Allow-Credentials") \
  X(access_control_max_age, "Access-Control-Max-Age")                     \
  X(access_control_expose_headers, "Access-Control-Expose-Headers")       \
  X(access_control_request_method, "Access-Control-Request-Method")       \
  X(access_control_request_headers, "Access-Control-Request-Headers")     \
  X(sec_fetch_site, "Sec-Fetch-Site")                                     \
  X(sec_fetch_mode, "Sec-Fetch-Mode")                                     \
  X(sec_fetch_dest, "Sec-Fetch-Dest")                                     \
  X(sec_fetch_user, "Sec-Fetch-User")                                     \
  X(sec_ch_ua, "Sec-CH-UA")                                               \
  X(sec_ch_ua_mobile, "Sec-CH-UA-Mobile")                                 \
  X(sec_ch_ua_platform, "Sec-CH-UA-Platform")                             \
  X(upgrade_insecure_requests, "Upgrade-Insecure-Requests")               \
  X(dnt, "DNT")                                                           \
  X(priority, "Priority")                                                 \
  X(early_data, "Early-Data")                                             \
  X(alt_svc, "Alt-Svc")                                                   \
  X(server_timing, "Server-Timing")                                       \
  X(idempotency_key, "Idempotency-Key")                                   \
  X(sidekick_timing, "Sidekick-Timing")                                   \
  X(grpc_status, "Grpc-Status")                                           \
  X(grpc_message, "Grpc-Message")                                         \
  X(grpc_timeout, "Grpc-Timeout")                                         \
  X(grpc_encoding, "Grpc-Encoding")                                       \
  X(grpc_accept_encoding, "Grpc-Accept-Encoding")

namespace sk {

enum class HeaderId : std::uint8_t {
  unknown = 0,  // a name that is not in the table; the field carries its text
#define SK_HEADER_ENUM(id, text) id,
  SK_HEADER_TABLE(SK_HEADER_ENUM)
#undef SK_HEADER_ENUM
      kCount
};

inline constexpr std::size_t kHeaderIdCount = static_cast<std::size_t>(HeaderId::kCount);
static_assert(kHeaderIdCount <= 128, "HeaderIdSet keeps one bit per id in two words");

// Case-insensitive; HeaderId::unknown where the name is not in the table. Any bytes may be asked
// for.
[[nodiscard]] HeaderId find_header_id(std::string_view name) noexcept;

// Canonical name; empty for unknown. Static text.
[[nodiscard]] std::string_view header_name(HeaderId id) noexcept;        // "Content-Type"
[[nodiscard]] std::string_view header_name_lower(HeaderId id) noexcept;  // "content-type"

// FNV-1a over all names in order: equal on both ends of a link or the link is refused.
[[nodiscard]] std::uint64_t header_table_hash() noexcept;

// True if number is the id of a known name (not of unknown): the check for ids read from a link.
[[nodiscard]] constexpr bool is_known_header_number(std::uint32_t number) noexcept {
  return number > 0 && number < kHeaderIdCount;
}

// A set of known ids, usable in constant expressions: HeaderIdSet{HeaderId::te, HeaderId::upgrade}.
class HeaderIdSet {
 public:
  constexpr HeaderIdSet() = default;
  template <typename... Ids>
  constexpr explicit HeaderIdSet(HeaderId first, Ids... rest) {
    add(first);
    (add(rest), ...);
  }
  constexpr void add(HeaderId id) noexcept { word(id) |= bit(id); }
  constexpr void clear() noexcept {
    low_ = 0;
    high_ = 0;
  }
  [[nodiscard]] constexpr bool has(HeaderId id) const noexcept {
    return ((static_cast<unsigned>(id) < 64 ? low_ : high_) & bit(id)) != 0;
  }
  [[nodiscard]] constexpr bool intersects(const HeaderIdSet& other) const noexcept {
    return ((low_ & other.low_) | (high_ & other.high_)) != 0;
  }

 private:
  static constexpr std::uint64_t bit(HeaderId id) noexcept {
    return std::uint64_t{1} << (static_cast<unsigned>(id) % 64);
  }
  constexpr std::uint64_t& word(HeaderId id) noexcept {
    return static_cast<unsigned>(id) < 64 ? low_ : high_;
  }

  std::uint64_t low_ = 0;
  std::uint64_t high_ = 0;
};

}  // namespace sk
