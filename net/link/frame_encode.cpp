#include "net/http/ascii.h"
#include "net/http/header_id.h"
#include "net/link/frame_codec.h"
#include "net/link/frame_format.h"

#include <cstring>

namespace sk {
namespace {

// Writes a frame of known size, into the queue's own memory where it fits one block.
class Writer {
 public:
  Writer(OutputQueue& out, std::size_t bytes) : out_(out), bytes_(bytes) {
    if (bytes <= kBufferBytes) {
      at_ = out.reserve(bytes).data();
    } else {
      spill_.resize(bytes);
      at_ = spill_.data();
    }
  }
  ~Writer() {
    if (spill_.empty()) {
      out_.commit(bytes_);
    } else {
      out_.append_copy(spill_);
    }
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  template <typename T>
  void put(T value) {
    std::memcpy(at_, &value, sizeof(value));
    at_ += sizeof(value);
  }
  void put_text(std::string_view text) {
    if (!text.empty()) {  // an empty view may have no address, and memcpy insists on one
      std::memcpy(at_, text.data(), text.size());
      at_ += text.size();
    }
  }
  void put_header(FrameType type, std::uint8_t flags, StreamId stream) {
    put(static_cast<std::uint32_t>(bytes_ - kFrameHeaderBytes));
    put(type);
    put(flags);
    put(std::uint16_t{0});
    put(stream.slot);
    put(stream.generation);
  }
  void put_fields(const Fields& fields) {
    for (const HeaderField& field : fields) {
      const bool known = field.id() != HeaderId::unknown;
      const std::string_view name = known ? std::string_view() : field.name();
      put(field.id());
      put(std::uint8_t{0});
      put(static_cast<std::uint16_t>(name.size()));
      put(static_cast<std::uint32_t>(field.value().size()));
      put_text(name);
      put_text(field.value());
    }
  }

 private:
  OutputQueue& out_;
  std::size_t bytes_;
  char* at_ = nullptr;
  std::string spill_;
};

std::size_t fields_bytes(const Fields& fields) {
  std::size_t bytes = 0;
  for (const HeaderField& field : fields) {
    const std::size_t name = field.id() != HeaderId::unknown ? 0 : field.name().size();
    bytes += kFieldFixedBytes + name + field.value().size();
  }
  return bytes;
}

void encode_u32(OutputQueue& out, FrameType type, StreamId stream, std::uint32_t value) {
  Writer w(out, kFrameHeaderBytes + sizeof(value));
  w.put_header(type, 0, stream);
  w.put(value);
}

bool has_connection_fields(const Fields& fields) { return fields.has_any(kConnectionFields); }

}  // namespace

void encode_hello(OutputQueue& out, const Hello& hello) {
  std::size_t bytes = kFrameHeaderBytes + kHelloFixedBytes;
  for (const std::string& pattern : hello.route_patterns) {
    SK_ASSERT(pattern.size() <= kRoutePatternBytesMax);
    bytes += sizeof(std::uint16_t) + pattern.size();
  }
  SK_ASSERT(hello.route_patterns.size() <= kRoutePatternsMax);
  Writer w(out, bytes);
  w.put_header(FrameType::hello, 0, StreamId{});
  w.put(hello.version);
  w.put(hello.limits.slots);
  w.put(hello.header_table_hash);
  w.put(hello.boot_id);
  w.put(hello.limits.stream_window);
  w.put(hello.limits.link_window());
  w.put(static_cast<std::uint16_t>(hello.route_patterns.size()));
  w.put(std::uint16_t{0});
  for (const std::string& pattern : hello.route_patterns) {
    w.put(static_cast<std::uint16_t>(pattern.size()));
    w.put_text(pattern);
  }
}

bool encode_request(OutputQueue& out, StreamId stream, const RequestHead& head,
                    const RequestMeta& meta, bool end) {
  const bool other_method = head.method == Method::other;
  const std::string_view method = other_method ? head.method_text : std::string_view();
  const std::size_t bytes = kRequestFixedBytes + meta.id.size() + meta.remote_address.size() +
                            meta.traceparent.size() + method.size() + head.authority.size() +
                            head.path.size() + head.query.size() + fields_bytes(head.fields);
  if (bytes > kPayloadBytesMax || meta.id.size() > 255 || meta.remote_address.size() > 255 ||
      meta.traceparent.size() > 255 || method.size() > 255 || head.authority.size() > 65535 ||
      has_connection_fields(head.fields)) {
    return false;
  }
  std::uint8_t bits = head.content_length ? kBitLength : 0;
  bits |= head.has_query ? kBitQuery : 0;
  bits |= head.scheme == Scheme::https ? kBitHttps : 0;
  bits |= head.websocket ? kBitWebsocket : 0;
  bits |= head.version == HttpVersion::http10 ? kBitHttp10 : 0;
  bits |= head.version == HttpVersion::http2 ? kBitHttp2 : 0;
  bits |= meta.remote_tls ? kBitRemoteTls : 0;
  bits |= meta.time_stages ? kBitTimeStages : 0;

  Writer w(out, kFrameHeaderBytes + bytes);
  w.put_header(FrameType::request, end ? kFlagEnd : 0, stream);
  w.put(meta.deadline_ns);
  w.put(meta.received_ns);
  w.put(head.content_length.value_or(0));
  w.put(static_cast<std::uint32_t>(head.path.size()));
  w.put(static_cast<std::uint32_t>(head.query.size()));
  w.put(static_cast<std::uint16_t>(head.authority.size()));
  w.put(static_cast<std::uint16_t>(head.fields.size()));
  w.put(meta.remote_port);
  w.put(head.method);
  w.put(bits);
  w.put(meta.request_class);
  w.put(static_cast<std::uint8_t>(meta.id.size()));
  w.put(static_cast<std::uint8_t>(method.size()));
  w.put(static_cast<std::uint8_t>(meta.remote_address.size()));
  w.put(static_cast<std::uint8_t>(meta.traceparent.size()));
  w.put(std::uint8_t{0});
  w.put(std::uint16_t{0});
  w.put_text(meta.id);
  w.put_text(meta.remote_address);
  w.put_text(meta.traceparent);
  w.put_text(method);
  w.put_text(head.authority);
  w.put_text(head.path);
  w.put_text(head.query);
  w.put_fields(head.fields);
  return true;
}

bool encode_response(OutputQueue& out, StreamId stream, const ResponseHead& head,
                     const ResponseMeta& meta, bool end) {
  const std::size_t bytes = kResponseFixedBytes + fields_bytes(head.fields);
  if (bytes > kPayloadBytesMax) {
    return false;
  }
  Writer w(out, kFrameHeaderBytes + bytes);
  w.put_header(FrameType::response, end ? kFlagEnd : 0, stream);
  w.put(head.content_length.value_or(0));
  w.put(head.status);
  w.put(static_cast<std::uint16_t>(head.fields.size()));
  w.put(meta.route_pattern);
  w.put(head.content_length ? kBitLength : std::uint8_t{0});
  w.put(std::uint8_t{0});
  w.put_fields(head.fields);
  return true;
}

void encode_body(OutputQueue& out, StreamId stream, Slice bytes, bool end) {
  SK_ASSERT(!bytes.empty());
  SK_ASSERT(bytes.size() <= kBodyBytesMax);
  {
    Writer w(out, kFrameHeaderBytes);
    const auto size = static_cast<std::uint32_t>(bytes.size());
    w.put(size);
    w.put(FrameType::body);
    w.put(end ? kFlagEnd : std::uint8_t{0});
    w.put(std::uint16_t{0});
    w.put(stream.slot);
    w.put(stream.generation);
  }
  out.append(std::move(bytes));
}

bool encode_end(OutputQueue& out, StreamId stream, const Fields& trailers) {
  if (trailers.empty()) {
    encode_empty(out, FrameType::end, stream);
    return true;
  }
  const std::size_t bytes = 4 + fields_bytes(trailers);
  if (bytes > kPayloadBytesMax || has_connection_fields(trailers)) {
    return false;
  }
  Writer w(out, kFrameHeaderBytes + bytes);
  w.put_header(FrameType::end, 0, stream);
  w.put(static_cast<std::uint16_t>(trailers.size()));
  w.put(std::uint16_t{0});
  w.put_fields(trailers);
  return true;
}

void encode_reset(OutputQueue& out, StreamId stream, ErrorCode reason) {
  encode_u32(out, FrameType::reset, stream, static_cast<std::uint32_t>(reason));
}

void encode_refused(OutputQueue& out, StreamId stream, ErrorCode reason) {
  encode_u32(out, FrameType::refused, stream, static_cast<std::uint32_t>(reason));
}

void encode_window(OutputQueue& out, StreamId stream, std::uint32_t bytes) {
  encode_u32(out, FrameType::window, stream, bytes);
}

void encode_empty(OutputQueue& out, FrameType type, StreamId stream) {
  Writer w(out, kFrameHeaderBytes);
  w.put_header(type, 0, stream);
}

void encode_ping(OutputQueue& out, std::uint64_t value, bool ack) {
  Writer w(out, kFrameHeaderBytes + sizeof(value));
  w.put_header(FrameType::ping, ack ? kFlagAck : 0, StreamId{});
  w.put(value);
}

bool valid_response_fields(const Fields& fields) {
  if (!fields.complete() || has_connection_fields(fields)) {
    return false;
  }
  for (const HeaderField& field : fields) {
    if ((field.id() == HeaderId::unknown && !is_token(field.name())) ||
        !is_field_value(field.value())) {
      return false;
    }
  }
  return true;
}

}  // namespace sk
