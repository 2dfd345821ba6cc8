#include "net/http/ascii.h"
#include "net/http/header_id.h"
#include "net/link/frame_codec.h"
#include "net/link/frame_format.h"

#include <cstring>

namespace sk {
namespace {

// Reads a payload; once something did not fit, everything else reads as zero and ok() is false.
class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T get() {
    T value{};
    if (rest_.size() < sizeof(T)) {
      fail();
      return value;
    }
    std::memcpy(&value, rest_.data(), sizeof(T));
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  std::string_view get_text(std::size_t bytes) {
    if (rest_.size() < bytes) {
      fail();
      return {};
    }
    const std::string_view text = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return text;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool at_end() const { return ok_ && rest_.empty(); }

 private:
  void fail() {
    ok_ = false;
    rest_ = {};
  }
  std::string_view rest_;
  bool ok_ = true;
};

std::unexpected<Error> malformed(const char* rule) { return fail(ErrorCode::malformed, rule); }

// Views of the fields point to where the reader's bytes lie.
Result<void> read_fields(Reader& in, Fields& fields, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = in.get<std::uint8_t>();
    const auto zero = in.get<std::uint8_t>();
    const auto name_bytes = in.get<std::uint16_t>();
    const auto value_bytes = in.get<std::uint32_t>();
    const std::string_view name = in.get_text(name_bytes);
    const std::string_view value = in.get_text(value_bytes);
    if (!in.ok()) {
      return malformed("link: a field is cut short");
    }
    if (zero != 0) {
      return malformed("link: a reserved byte of a field is set");
    }
    if (!is_field_value(value)) {
      return malformed("link: a field value holds control bytes");
    }
    bool added = false;
    if (id == 0) {
      if (!is_token(name)) {
        return malformed("link: a field name is not a token");
      }
      if (find_header_id(name) != HeaderId::unknown) {
        return malformed("link: a known field travels by name");
      }
      added = fields.add_view(name, value);
    } else {
      if (!is_known_header_number(id) || name_bytes != 0) {
        return malformed("link: an unknown field id");
      }
      const auto known = static_cast<HeaderId>(id);
      if (kConnectionFields.has(known)) {
        return malformed("link: a field of one connection");
      }
      added = fields.add_view(known, value);
    }
    if (!added) {
      return malformed("link: too many fields");
    }
  }
  return {};
}

// A copy of the payload that lives as long as the head.
Result<std::string_view> keep(Fields& fields, std::string_view payload) {
  const std::string_view kept = fields.arena().copy(payload);
  if (kept.data() == nullptr && !payload.empty()) {
    return malformed("link: the head is larger than an arena");
  }
  return kept;
}

}  // namespace

Result<FrameHeader> decode_header(std::string_view header) {
  SK_DEBUG_ASSERT(header.size() == kFrameHeaderBytes);
  Reader in(header);
  FrameHeader frame;
  frame.size = in.get<std::uint32_t>();
  const auto type = in.get<std::uint8_t>();
  frame.flags = in.get<std::uint8_t>();
  const auto zero = in.get<std::uint16_t>();
  frame.stream.slot = in.get<std::uint16_t>();
  frame.stream.generation = in.get<std::uint16_t>();
  if (type == 0 || type > kFrameTypeLast) {
    return malformed("link: unknown frame type");
  }
  frame.type = static_cast<FrameType>(type);
  if (zero != 0) {
    return malformed("link: reserved bits of a frame are set");
  }
  const bool may_flag = frame.type == FrameType::request || frame.type == FrameType::response ||
                        frame.type == FrameType::body || frame.type == FrameType::ping;
  if (frame.flags > 1 || (frame.flags != 0 && !may_flag)) {
    return malformed("link: unknown frame flags");
  }
  if (frame.type == FrameType::body) {
    if (frame.size == 0 || frame.size > kBodyBytesMax) {
      return malformed("link: body frame of a wrong size");
    }
  } else if (frame.size > kPayloadBytesMax) {
    // The largest HELLO is longer than any head; it comes once, before anything else.
    const std::size_t hello_max =
        kHelloFixedBytes + kRoutePatternsMax * (2 + kRoutePatternBytesMax);
    if (frame.type != FrameType::hello || frame.size > hello_max) {
      return malformed("link: frame too large");
    }
  }
  const bool connection_frame = frame.type == FrameType::hello || frame.type == FrameType::load ||
                                frame.type == FrameType::drain || frame.type == FrameType::ping;
  const bool no_stream = frame.stream == StreamId{};
  if (connection_frame && !no_stream) {
    return malformed("link: a frame of the link names a stream");
  }
  if (!connection_frame && frame.stream.slot == kNoSlot &&
      !(frame.type == FrameType::window && no_stream)) {
    return malformed("link: a frame of a stream names none");
  }
  return frame;
}

Result<Hello> decode_hello(std::string_view payload) {
  Reader in(payload);
  Hello hello;
  hello.version = in.get<std::uint32_t>();
  hello.limits.slots = in.get<std::uint32_t>();
  hello.header_table_hash = in.get<std::uint64_t>();
  hello.boot_id = in.get<std::uint64_t>();
  hello.limits.stream_window = in.get<std::uint32_t>();
  const auto link_window = in.get<std::uint32_t>();
  const auto patterns = in.get<std::uint16_t>();
  const auto zero = in.get<std::uint16_t>();
  if (!in.ok() || zero != 0) {
    return malformed("link: HELLO is cut short");
  }
  if (hello.version != kLinkVersion) {
    return malformed("link: HELLO of another version: balancer and worker are not one build");
  }
  const std::uint64_t base = std::uint64_t{hello.limits.slots} * hello.limits.stream_window;
  if (hello.limits.slots == 0 || hello.limits.slots >= kNoSlot || hello.limits.stream_window == 0 ||
      base > link_window || patterns > kRoutePatternsMax) {
    return malformed("link: HELLO with impossible limits");
  }
  hello.limits.growth_pool = static_cast<std::uint32_t>(link_window - base);
  for (std::size_t i = 0; i < patterns; ++i) {
    const auto bytes = in.get<std::uint16_t>();
    const std::string_view pattern = in.get_text(bytes);
    if (!in.ok() || pattern.empty() || pattern.size() > kRoutePatternBytesMax ||
        !is_field_value(pattern)) {
      return malformed("link: HELLO with a broken route pattern");
    }
    hello.route_patterns.emplace_back(pattern);
  }
  if (!in.at_end()) {
    return malformed("link: HELLO with trailing bytes");
  }
  return hello;
}

Result<void> decode_request(std::string_view payload, RequestHead& head, RequestMeta& meta) {
  const Result<std::string_view> kept = keep(head.fields, payload);
  if (!kept) {
    return fail(kept.error());
  }
  Reader in(*kept);
  meta.deadline_ns = in.get<std::uint64_t>();
  meta.received_ns = in.get<std::uint64_t>();
  const auto content_length = in.get<std::uint64_t>();
  const auto path_bytes = in.get<std::uint32_t>();
  const auto query_bytes = in.get<std::uint32_t>();
  const auto authority_bytes = in.get<std::uint16_t>();
  const auto field_count = in.get<std::uint16_t>();
  meta.remote_port = in.get<std::uint16_t>();
  const auto method = in.get<std::uint8_t>();
  const auto bits = in.get<std::uint8_t>();
  const auto request_class = in.get<std::uint8_t>();
  const auto id_bytes = in.get<std::uint8_t>();
  const auto method_bytes = in.get<std::uint8_t>();
  const auto address_bytes = in.get<std::uint8_t>();
  const auto traceparent_bytes = in.get<std::uint8_t>();
  const auto zero = in.get<std::uint8_t>() | in.get<std::uint16_t>();
  meta.id = in.get_text(id_bytes);
  meta.remote_address = in.get_text(address_bytes);
  meta.traceparent = in.get_text(traceparent_bytes);
  const std::string_view method_text = in.get_text(method_bytes);
  head.authority = in.get_text(authority_bytes);
  head.path = in.get_text(path_bytes);
  head.query = in.get_text(query_bytes);
  if (!in.ok()) {
    return malformed("link: REQUEST is cut short");
  }
  if (zero != 0 || (bits & (kBitHttp10 | kBitHttp2)) == (kBitHttp10 | kBitHttp2)) {
    return malformed("link: REQUEST with impossible bits");
  }
  if (method > static_cast<std::uint8_t>(Method::trace) ||
      request_class > static_cast<std::uint8_t>(RequestClass::background)) {
    return malformed("link: REQUEST with an unknown method or class");
  }
  if ((method == 0) != !method_text.empty() || (method == 0 && !is_token(method_text))) {
    return malformed("link: REQUEST with a broken method");
  }
  if (head.path.empty() || (head.path.front() != '/' && head.path != "*")) {
    return malformed("link: REQUEST with a broken path");
  }
  if (method == 0) {
    head.method = Method::other;
    head.method_text = method_text;
  } else {
    head.set_method(static_cast<Method>(method));
  }
  if ((bits & kBitLength) != 0) {
    head.content_length = content_length;
  }
  head.has_query = (bits & kBitQuery) != 0;
  head.scheme = (bits & kBitHttps) != 0 ? Scheme::https : Scheme::http;
  head.websocket = (bits & kBitWebsocket) != 0;
  head.version = (bits & kBitHttp10) != 0  ? HttpVersion::http10
                 : (bits & kBitHttp2) != 0 ? HttpVersion::http2
                                           : HttpVersion::http11;
  meta.remote_tls = (bits & kBitRemoteTls) != 0;
  meta.time_stages = (bits & kBitTimeStages) != 0;
  meta.request_class = static_cast<RequestClass>(request_class);
  if (const Result<void> fields = read_fields(in, head.fields, field_count); !fields) {
    return fields;
  }
  if (!in.at_end()) {
    return malformed("link: REQUEST with trailing bytes");
  }
  return {};
}

Result<void> decode_response(std::string_view payload, ResponseHead& head, ResponseMeta& meta) {
  const Result<std::string_view> kept = keep(head.fields, payload);
  if (!kept) {
    return fail(kept.error());
  }
  Reader in(*kept);
  const auto content_length = in.get<std::uint64_t>();
  head.status = in.get<std::uint16_t>();
  const auto field_count = in.get<std::uint16_t>();
  meta.route_pattern = in.get<std::uint16_t>();
  const auto bits = in.get<std::uint8_t>();
  const auto zero = in.get<std::uint8_t>();
  if (!in.ok()) {
    return malformed("link: RESPONSE is cut short");
  }
  if (zero != 0 || (bits & ~kBitLength) != 0) {
    return malformed("link: RESPONSE with unknown bits");
  }
  if (head.status < 100 || head.status > 599) {
    return malformed("link: RESPONSE with an impossible status");
  }
  if ((bits & kBitLength) != 0) {
    if (content_length > INT64_MAX) {
      return malformed("link: RESPONSE with an impossible length");
    }
    head.content_length = content_length;
  }
  if (const Result<void> fields = read_fields(in, head.fields, field_count); !fields) {
    return fields;
  }
  if (!in.at_end()) {
    return malformed("link: RESPONSE with trailing bytes");
  }
  return {};
}

Result<void> decode_end(std::string_view payload, Fields& trailers) {
  if (payload.empty()) {
    return {};
  }
  const Result<std::string_view> kept = keep(trailers, payload);
  if (!kept) {
    return fail(kept.error());
  }
  Reader in(*kept);
  const auto field_count = in.get<std::uint16_t>();
  const auto zero = in.get<std::uint16_t>();
  if (!in.ok() || zero != 0) {
    return malformed("link: END is cut short");
  }
  if (const Result<void> fields = read_fields(in, trailers, field_count); !fields) {
    return fields;
  }
  if (!in.at_end()) {
    return malformed("link: END with trailing bytes");
  }
  return {};
}

Result<ErrorCode> decode_reason(std::string_view payload) {
  Reader in(payload);
  const auto reason = in.get<std::uint32_t>();
  if (!in.at_end() || reason > static_cast<std::uint32_t>(ErrorCode::internal)) {
    return malformed("link: a broken reason");
  }
  return static_cast<ErrorCode>(reason);
}

Result<std::uint32_t> decode_window(std::string_view payload) {
  Reader in(payload);
  const auto bytes = in.get<std::uint32_t>();
  if (!in.at_end() || bytes == 0 || bytes > (1U << 30)) {
    return malformed("link: a broken WINDOW");
  }
  return bytes;
}

Result<std::uint64_t> decode_ping(std::string_view payload) {
  Reader in(payload);
  const auto value = in.get<std::uint64_t>();
  if (!in.at_end()) {
    return malformed("link: a broken PING");
  }
  return value;
}

Result<void> decode_load(std::string_view payload) {
  if (payload.size() != 3 * sizeof(std::uint32_t)) {
    return malformed("link: a broken LOAD");
  }
  return {};
}

}  // namespace sk
