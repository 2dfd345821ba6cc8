// Encodes frames into an output queue and decodes payloads, with every check that a payload alone
// allows. Checks that need the stream's state are made by link_client and link_server.
//
// Decoding copies a payload once into the head's arena and points the views there. Errors are
// `malformed` with a static detail that names the rule.
#pragma once

#include "net/core/output_queue.h"
#include "net/core/result.h"
#include "net/http/exchange.h"
#include "net/http/head.h"
#include "net/link/frames.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sk {

struct Hello {
  std::uint32_t version = kLinkVersion;
  std::uint64_t header_table_hash = 0;
  std::uint64_t boot_id = 0;
  LinkLimits limits;
  std::vector<std::string> route_patterns;  // of the worker's application; empty from the balancer
};

// What a REQUEST carries beside the head.
struct RequestMeta {
  std::string_view id;
  std::string_view remote_address;
  std::uint16_t remote_port = 0;
  bool remote_tls = false;
  std::string_view traceparent;
  std::uint64_t deadline_ns = 0;
  std::uint64_t received_ns = 0;  // when the balancer had the request's head
  bool time_stages = false;       // note in the page where the time goes (page.h)
  RequestClass request_class = RequestClass::normal;
};

struct ResponseMeta {
  std::uint16_t route_pattern = kNoPattern;
};

// --- encoding; false where a head does not fit a frame (nothing was queued) ---
void encode_hello(OutputQueue& out, const Hello& hello);
[[nodiscard]] bool encode_request(OutputQueue& out, StreamId stream, const RequestHead& head,
                                  const RequestMeta& meta, bool end);
[[nodiscard]] bool encode_response(OutputQueue& out, StreamId stream, const ResponseHead& head,
                                   const ResponseMeta& meta, bool end);
void encode_body(OutputQueue& out, StreamId stream, Slice bytes, bool end);
[[nodiscard]] bool encode_end(OutputQueue& out, StreamId stream, const Fields& trailers);
void encode_reset(OutputQueue& out, StreamId stream, ErrorCode reason);
void encode_refused(OutputQueue& out, StreamId stream, ErrorCode reason);
void encode_window(OutputQueue& out, StreamId stream, std::uint32_t bytes);
// STOP and DRAIN.
void encode_empty(OutputQueue& out, FrameType type, StreamId stream);
void encode_ping(OutputQueue& out, std::uint64_t value, bool ack);

// --- decoding ---
// header: exactly kFrameHeaderBytes.
[[nodiscard]] Result<FrameHeader> decode_header(std::string_view header);
[[nodiscard]] Result<Hello> decode_hello(std::string_view payload);
// meta's views point into head.fields.arena().
[[nodiscard]] Result<void> decode_request(std::string_view payload, RequestHead& head,
                                          RequestMeta& meta);
// Refuses what an upstream may not say: invalid names and values, fields of one connection.
[[nodiscard]] Result<void> decode_response(std::string_view payload, ResponseHead& head,
                                           ResponseMeta& meta);
[[nodiscard]] Result<void> decode_end(std::string_view payload, Fields& trailers);
[[nodiscard]] Result<ErrorCode> decode_reason(std::string_view payload);
// Window increments are 1..2^30.
[[nodiscard]] Result<std::uint32_t> decode_window(std::string_view payload);
[[nodiscard]] Result<std::uint64_t> decode_ping(std::string_view payload);
[[nodiscard]] Result<void> decode_load(std::string_view payload);

// True if a response with these fields may cross a link or leave to a client: names are tokens,
// values are field values, nothing belongs to framing or to one connection.
[[nodiscard]] bool valid_response_fields(const Fields& fields);

}  // namespace sk
