#include "net/http/framing.h"

#include "net/http/ascii.h"

namespace sk {
namespace {

// Fields::find with a second look: a repeated framing field is refused, equal values or not.
bool repeated(const Fields& fields, HeaderId id) { return fields.count(id) > 1; }

}  // namespace

std::optional<std::uint64_t> parse_content_length(std::string_view text) noexcept {
  // 18 digits always fit; 19 may pass 2^63. Leading zeros are legal and cost digits.
  if (text.empty() || text.size() > 18) {
    return std::nullopt;
  }
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_ascii_digit(c)) {
      return std::nullopt;
    }
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return value;
}

Checked<Framing> request_framing(const Fields& fields, HttpVersion version) {
  const HeaderField* coding = fields.find(HeaderId::transfer_encoding);
  const HeaderField* length = fields.find(HeaderId::content_length);
  if (coding != nullptr) [[unlikely]] {
    if (length != nullptr) {
      return reject(400, "transfer_encoding_beside_content_length");
    }
    if (version == HttpVersion::http10) {
      return reject(400, "transfer_encoding_in_http_1_0");
    }
    if (repeated(fields, HeaderId::transfer_encoding)) {
      return reject(400, "transfer_encoding_repeated");
    }
    if (iequals(coding->value(), "chunked")) {
      return Framing{BodyKind::chunked, 0};
    }
    return is_token(coding->value()) ? reject(501, "transfer_encoding_unknown")
                                     : reject(400, "transfer_encoding_not_chunked");
  }
  if (length != nullptr) {
    if (repeated(fields, HeaderId::content_length)) {
      return reject(400, "content_length_repeated");
    }
    const std::optional<std::uint64_t> value = parse_content_length(length->value());
    if (!value) {
      return reject(400, "content_length_invalid");
    }
    return Framing{BodyKind::length, *value};
  }
  return Framing{BodyKind::none, 0};
}

bool response_is_bodyless(std::uint16_t status, Method request_method) noexcept {
  return request_method == Method::head || status < 200 || status == 204 || status == 304;
}

Checked<Framing> response_framing(const Fields& fields, std::uint16_t status, HttpVersion version,
                                  Method request_method) {
  const HeaderField* coding = fields.find(HeaderId::transfer_encoding);
  const HeaderField* length = fields.find(HeaderId::content_length);
  std::uint64_t bytes = 0;
  if (length != nullptr) {
    if (repeated(fields, HeaderId::content_length)) {
      return reject(502, "response_content_length_repeated");
    }
    const std::optional<std::uint64_t> value = parse_content_length(length->value());
    if (!value) {
      return reject(502, "response_content_length_invalid");
    }
    bytes = *value;
  }
  if (coding != nullptr) {
    if (length != nullptr) {
      return reject(502, "response_transfer_encoding_beside_content_length");
    }
    if (version == HttpVersion::http10) {
      return reject(502, "response_transfer_encoding_in_http_1_0");
    }
    if (repeated(fields, HeaderId::transfer_encoding) || !iequals(coding->value(), "chunked")) {
      return reject(502, "response_transfer_encoding_not_chunked");
    }
  }
  if (response_is_bodyless(status, request_method)) {
    return Framing{BodyKind::none, 0};
  }
  if (coding != nullptr) {
    return Framing{BodyKind::chunked, 0};
  }
  if (length != nullptr) {
    return Framing{BodyKind::length, bytes};
  }
  return Framing{BodyKind::until_close, 0};
}

std::optional<std::uint64_t> declared_length(const Fields& fields) {
  const HeaderField* length = fields.find(HeaderId::content_length);
  return length != nullptr ? parse_content_length(length->value()) : std::nullopt;
}

Framing outgoing_request_framing(Method method, bool has_body,
                                 std::optional<std::uint64_t> length) noexcept {
  if (has_body) {
    return length ? Framing{BodyKind::length, *length} : Framing{BodyKind::chunked, 0};
  }
  const bool usual = method == Method::post || method == Method::put || method == Method::patch;
  return usual || length ? Framing{BodyKind::length, 0} : Framing{BodyKind::none, 0};
}

Framing outgoing_response_framing(std::uint16_t status, Method request_method, HttpVersion peer,
                                  bool has_body, std::optional<std::uint64_t> length) noexcept {
  if (response_is_bodyless(status, request_method)) {
    return Framing{BodyKind::none, 0};
  }
  if (!has_body) {
    return Framing{BodyKind::length, 0};
  }
  if (length) {
    return Framing{BodyKind::length, *length};
  }
  return Framing{peer == HttpVersion::http10 ? BodyKind::until_close : BodyKind::chunked, 0};
}

}  // namespace sk
