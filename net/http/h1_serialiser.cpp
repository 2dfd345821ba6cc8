#include "net/http/h1_serialiser.h"

#include "net/core/assert.h"
#include "net/http/ascii.h"
#include "net/http/hop_by_hop.h"
#include "net/http/http_date.h"

#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <span>

namespace sk {
namespace {

using enum HeaderId;

constexpr HeaderIdSet kRequestManaged{
    host, content_length, transfer_encoding, connection, keep_alive,    proxy_connection,
    te,   trailer,        upgrade,           expect,     http2_settings};
constexpr HeaderIdSet kResponseManaged{content_length, transfer_encoding, connection,
                                       keep_alive,     proxy_connection,  te,
                                       trailer,        upgrade,           http2_settings};

// More than everything that is written besides the parts that are measured.
constexpr std::size_t kFixedBytes = 256;

// Appends to memory whose size was computed beforehand.
class Writer {
 public:
  explicit Writer(char* to) : begin_(to), to_(to) {}

  void put(std::string_view text) noexcept {
    std::memcpy(to_, text.data(), text.size());
    to_ += text.size();
  }
  void put(char c) noexcept { *to_++ = c; }
  void put_number(std::uint64_t value) noexcept { to_ = std::to_chars(to_, to_ + 20, value).ptr; }
  void put_field(std::string_view name, std::string_view value) noexcept {
    put(name);
    put(": ");
    if (!value.empty()) {
      put(value);
    }
    put("\r\n");
  }
  [[nodiscard]] std::size_t size() const noexcept { return static_cast<std::size_t>(to_ - begin_); }

 private:
  char* begin_;
  char* to_;
};

bool is_valid(const HeaderField& field) noexcept {
  return (field.id() != unknown || is_token(field.name())) && is_field_value(field.value());
}

// Adds up what the fields need; false if one of them may not be written.
bool measure(const Fields& fields, const HeaderIdSet& managed, std::size_t& bytes) noexcept {
  for (const HeaderField& field : fields) {
    if (managed.has(field.id())) {
      continue;
    }
    if (!is_valid(field)) {
      return false;
    }
    bytes += field.name().size() + field.value().size() + 4;
  }
  return true;
}

void put_fields(Writer& writer, const Fields& fields, const HeaderIdSet& managed) noexcept {
  for (const HeaderField& field : fields) {
    if (!managed.has(field.id())) {
      writer.put_field(field.name(), field.value());
    }
  }
}

void put_framing(Writer& writer, const Framing& framing) noexcept {
  if (framing.kind == BodyKind::length) {
    writer.put("Content-Length: ");
    writer.put_number(framing.length);
    writer.put("\r\n");
  } else if (framing.kind == BodyKind::chunked) {
    writer.put("Transfer-Encoding: chunked\r\n");
  }
}

// Lets fill(Writer&) write at most `bytes` to the end of out. Heads that pass one buffer are rare
// and take a detour through the heap.
template <typename Fill>
void emit(OutputQueue& out, std::size_t bytes, Fill fill) {
  if (bytes <= kBufferBytes) [[likely]] {
    Writer writer(out.reserve(bytes).data());
    fill(writer);
    SK_DEBUG_ASSERT(writer.size() <= bytes);
    out.commit(writer.size());
    return;
  }
  const auto memory = std::make_unique_for_overwrite<char[]>(bytes);
  Writer writer(memory.get());
  fill(writer);
  SK_ASSERT(writer.size() <= bytes);
  out.append_copy({memory.get(), writer.size()});
}

// Status lines of all codes are alike but for digits and phrase.
void put_status_line(Writer& writer, std::uint16_t status) noexcept {
  writer.put("HTTP/1.1 ");
  writer.put(static_cast<char>('0' + status / 100));
  writer.put(static_cast<char>('0' + status / 10 % 10));
  writer.put(static_cast<char>('0' + status % 10));
  writer.put(' ');
  writer.put(reason_phrase(status));
  writer.put("\r\n");
}

}  // namespace

Result<void> write_request_head(OutputQueue& out, const RequestHead& head,
                                const RequestWrite& how) {
  SK_ASSERT(how.framing.kind != BodyKind::until_close);
  const std::string_view authority =
      head.authority.empty() ? how.default_authority : head.authority;
  std::size_t bytes = kFixedBytes + head.method_text.size() + head.path.size() + head.query.size() +
                      authority.size() + how.request_id.size();
  if (!is_token(head.method_text) || !head.fields.complete() || head.path.empty() ||
      !is_visible_ascii(head.path) || !is_visible_ascii(head.query) ||
      !is_visible_ascii(authority)) {
    return fail(ErrorCode::malformed, "request head: forbidden byte in method, target or host");
  }
  if (!measure(head.fields, kRequestManaged, bytes)) {
    return fail(ErrorCode::malformed, "request head: forbidden byte in a field");
  }
  const bool add_id =
      !how.request_id.empty() && is_token(how.request_id) && !head.fields.has(x_request_id);
  emit(out, bytes, [&](Writer& writer) {
    writer.put(head.method_text);
    writer.put(' ');
    writer.put(head.path);
    if (head.has_query) {
      writer.put('?');
      if (!head.query.empty()) {
        writer.put(head.query);
      }
    }
    writer.put(" HTTP/1.1\r\n");
    writer.put_field("Host", authority);
    put_fields(writer, head.fields, kRequestManaged);
    if (add_id) {
      writer.put_field("X-Request-Id", how.request_id);
    }
    put_framing(writer, how.framing);
    if (head.websocket) {
      writer.put("Connection: Upgrade\r\nUpgrade: websocket\r\n");
    } else if (!how.keep_alive) {
      writer.put("Connection: close\r\n");
    }
    writer.put("\r\n");
  });
  return {};
}

Result<void> write_response_head(OutputQueue& out, const ResponseHead& head,
                                 const ResponseWrite& how) {
  if (head.status < 101 || head.status > 999 || (head.status < 200 && head.status != 101)) {
    return fail(ErrorCode::malformed, "response head: not a final status");
  }
  std::size_t bytes = kFixedBytes;
  if (!head.fields.complete() || !measure(head.fields, kResponseManaged, bytes)) {
    return fail(ErrorCode::malformed, "response head: forbidden byte in a field");
  }
  emit(out, bytes, [&](Writer& writer) {
    put_status_line(writer, head.status);
    if (!head.fields.has(date)) {
      writer.put_field("Date", http_date(how.unix_seconds));
    }
    put_fields(writer, head.fields, kResponseManaged);
    if (head.status == 101) {
      writer.put("Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      return;
    }
    if (how.framing.kind != BodyKind::none) {
      put_framing(writer, how.framing);
    } else if (head.content_length && head.status != 204) {
      put_framing(writer, {BodyKind::length, *head.content_length});
    }
    if (!how.keep_alive) {
      writer.put("Connection: close\r\n");
    } else if (how.peer == HttpVersion::http10) {
      writer.put("Connection: keep-alive\r\n");
    }
    writer.put("\r\n");
  });
  return {};
}

Result<void> write_informational(OutputQueue& out, const ResponseHead& head) {
  if (head.status < 100 || head.status > 199 || head.status == 101) {
    return fail(ErrorCode::malformed, "informational head: not a 1xx status");
  }
  std::size_t bytes = kFixedBytes;
  if (!head.fields.complete() || !measure(head.fields, kResponseManaged, bytes)) {
    return fail(ErrorCode::malformed, "informational head: forbidden byte in a field");
  }
  emit(out, bytes, [&](Writer& writer) {
    put_status_line(writer, head.status);
    put_fields(writer, head.fields, kResponseManaged);
    writer.put("\r\n");
  });
  return {};
}

void write_chunk(OutputQueue& out, Slice data) {
  if (data.empty()) {
    return;
  }
  std::array<char, 20> line;
  char* end = std::to_chars(line.data(), line.data() + 16, data.size(), 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  out.append_copy({line.data(), static_cast<std::size_t>(end - line.data())});
  out.append(std::move(data));
  out.append_copy("\r\n");
}

void write_last_chunk(OutputQueue& out, const Fields& trailers) {
  if (trailers.empty()) {
    out.append_copy("0\r\n\r\n");
    return;
  }
  const auto may_go = [](const HeaderField& field) {
    return is_valid(field) && is_trailer_allowed(field.id(), field.name());
  };
  std::size_t bytes = kFixedBytes;
  for (const HeaderField& field : trailers) {
    bytes += may_go(field) ? field.name().size() + field.value().size() + 4 : 0;
  }
  emit(out, bytes, [&](Writer& writer) {
    writer.put("0\r\n");
    for (const HeaderField& field : trailers) {
      if (may_go(field)) {
        writer.put_field(field.name(), field.value());
      }
    }
    writer.put("\r\n");
  });
}

}  // namespace sk
