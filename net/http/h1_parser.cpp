#include "net/http/h1_parser.h"

#include "net/core/assert.h"
#include "net/http/target.h"

#include <algorithm>

namespace sk {
namespace {

std::uint64_t smaller(std::uint64_t left, std::size_t size) noexcept {
  return std::min<std::uint64_t>(left, size);
}

Checked<HttpVersion> read_version(std::string_view text) {
  if (text == "HTTP/1.1") {
    return HttpVersion::http11;
  }
  if (text == "HTTP/1.0") {
    return HttpVersion::http10;
  }
  return reject(505, "version_unsupported");
}

}  // namespace

// ---- requests -----------------------------------------------------------------------------------

H1RequestParser::H1RequestParser(const H1Limits& limits)
    : limits_(limits), reader_(H1HeadReader::Kind::request, limits) {}

void H1RequestParser::begin(RequestHead& head) {
  head.reset();
  head_ = &head;
  trailers_.release();
  reader_.begin(head.fields.arena());
  framing_ = {};
  connection_ = {};
  body_left_ = 0;
  body_limit_ = limits_.body_bytes;
  absolute_authority_ = {};
  state_ = State::head;
  error_ = {};
}

H1Step H1RequestParser::refuse(std::size_t consumed, const Reject& why) {
  error_ = why;
  state_ = State::done;
  return {H1Event::error, consumed, {}};
}

H1Step H1RequestParser::feed(std::string_view input) {
  switch (state_) {
    case State::head: {
      std::size_t consumed = 0;
      switch (reader_.feed(input, consumed)) {
        case H1HeadReader::Outcome::need_more:
          return {H1Event::need_more, consumed, {}};
        case H1HeadReader::Outcome::error:
          return refuse(consumed, reader_.error());
        case H1HeadReader::Outcome::complete:
          return complete_head(consumed);
      }
      break;
    }
    case State::body_length: {
      if (input.empty()) {
        return {};
      }
      const auto size = static_cast<std::size_t>(smaller(body_left_, input.size()));
      body_left_ -= size;
      state_ = body_left_ == 0 ? State::end : State::body_length;
      return {H1Event::body, size, input.substr(0, size)};
    }
    case State::body_chunked:
      return feed_chunked(input);
    case State::end:
      state_ = State::done;
      return {H1Event::end, 0, {}};
    case State::done:
      break;
  }
  SK_ASSERT(state_ != State::done);  // begin() was forgotten
  return {};
}

H1Step H1RequestParser::feed_chunked(std::string_view input) {
  const ChunkedDecoder::Step step = chunked_.feed(input);
  switch (step.event) {
    case ChunkedDecoder::Event::need_more:
      return {H1Event::need_more, step.consumed, {}};
    case ChunkedDecoder::Event::data:
      return {H1Event::body, step.consumed, step.data};
    case ChunkedDecoder::Event::end:
      state_ = State::done;
      return {H1Event::end, step.consumed, {}};
    case ChunkedDecoder::Event::error:
      break;
  }
  return refuse(step.consumed, chunked_.error());
}

H1Step H1RequestParser::finish() {
  switch (state_) {
    case State::head:
      return reader_.idle() ? H1Step{} : refuse(0, {400, "closed_in_head"});
    case State::body_length:
    case State::body_chunked:
      return refuse(0, {400, "closed_in_body"});
    case State::end:
      state_ = State::done;
      return {H1Event::end, 0, {}};
    case State::done:
      break;
  }
  return {};
}

Checked<void> H1RequestParser::read_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return reject(400, "request_line_incomplete");
  }
  const Checked<HttpVersion> version = read_version(line.substr(last + 1));
  if (!version) {
    return std::unexpected(version.error());
  }
  head_->version = *version;
  head_->method_text = line.substr(0, first);
  head_->method = find_method(head_->method_text);
  if (head_->method_text.size() > limits_.method_bytes || !reader_.is_http_method() ||
      head_->method == Method::trace || head_->method == Method::connect) {
    return reject(501, "method_unsupported");
  }
  const Checked<Target> target =
      parse_target(line.substr(first + 1, last - first - 1), head_->method, limits_.authority_bytes,
                   head_->fields.arena());
  if (!target) {
    return std::unexpected(target.error());
  }
  head_->path = target->path;
  head_->query = target->query;
  head_->has_query = target->has_query;
  absolute_authority_ = target->authority;
  return {};
}

Checked<void> H1RequestParser::read_fields() {
  Fields& fields = head_->fields;
  if (Checked<void> collected = reader_.collect_fields(fields); !collected) {
    return collected;
  }
  const HeaderField* const host = fields.find(HeaderId::host);
  if (host != nullptr) {
    if (fields.count(HeaderId::host) > 1) {
      return reject(400, "host_repeated");
    }
    if (Checked<void> valid = check_authority(host->value(), limits_.authority_bytes); !valid) {
      return valid;
    }
    head_->authority = host->value();
  } else if (head_->version == HttpVersion::http11) {
    return reject(400, "host_missing");
  }
  if (!absolute_authority_.empty()) {
    head_->authority = absolute_authority_;  // RFC 9112 3.2.2: it replaces Host
  }
  const Checked<Framing> framing = request_framing(fields, head_->version);
  if (!framing) {
    return std::unexpected(framing.error());
  }
  framing_ = *framing;
  head_->content_length = declared_length(fields);
  const Checked<RequestConnection> connection = strip_hop_by_hop(*head_, framing_);
  if (!connection) {
    return std::unexpected(connection.error());
  }
  connection_ = *connection;
  return {};
}

H1Step H1RequestParser::complete_head(std::size_t consumed) {
  if (Checked<void> line = read_request_line(reader_.first_line()); !line) {
    return refuse(consumed, line.error());
  }
  if (Checked<void> fields = read_fields(); !fields) {
    return refuse(consumed, fields.error());
  }
  if (framing_.kind == BodyKind::length && framing_.length > body_limit_) {
    return refuse(consumed, {413, "body_too_large"});
  }
  if (framing_.empty()) {
    state_ = State::end;
  } else if (framing_.kind == BodyKind::length) {
    body_left_ = framing_.length;
    state_ = State::body_length;
  } else {
    chunked_.begin(limits_, body_limit_, trailers_);
    state_ = State::body_chunked;
  }
  return {H1Event::head, consumed, {}};
}

bool H1RequestParser::set_body_limit(std::uint64_t bytes) {
  body_limit_ = bytes;
  if (state_ == State::body_chunked) {
    chunked_.begin(limits_, bytes, trailers_);
  }
  return framing_.kind != BodyKind::length || framing_.length <= bytes;
}

// ---- responses ----------------------------------------------------------------------------------

H1ResponseParser::H1ResponseParser(const H1Limits& limits)
    : limits_(limits), reader_(H1HeadReader::Kind::response, limits) {}

void H1ResponseParser::begin(ResponseHead& head, Method request_method) {
  head.reset();
  head_ = &head;
  request_method_ = request_method;
  trailers_.release();
  reader_.begin(head.fields.arena());
  framing_ = {};
  connection_ = {};
  body_left_ = 0;
  state_ = State::head;
  error_ = {};
}

H1Step H1ResponseParser::refuse(std::size_t consumed, const char* reason) {
  error_ = {502, reason};
  state_ = State::done;
  return {H1Event::error, consumed, {}};
}

H1Step H1ResponseParser::feed(std::string_view input) {
  switch (state_) {
    case State::head: {
      std::size_t consumed = 0;
      switch (reader_.feed(input, consumed)) {
        case H1HeadReader::Outcome::need_more:
          return {H1Event::need_more, consumed, {}};
        case H1HeadReader::Outcome::error:
          return refuse(consumed, reader_.error().reason);
        case H1HeadReader::Outcome::complete:
          return complete_head(consumed);
      }
      break;
    }
    case State::body_length: {
      if (input.empty()) {
        return {};
      }
      const auto size = static_cast<std::size_t>(smaller(body_left_, input.size()));
      body_left_ -= size;
      state_ = body_left_ == 0 ? State::end : State::body_length;
      return {H1Event::body, size, input.substr(0, size)};
    }
    case State::body_close:
      return input.empty() ? H1Step{} : H1Step{H1Event::body, input.size(), input};
    case State::body_chunked:
      return feed_chunked(input);
    case State::end:
      state_ = State::done;
      return {H1Event::end, 0, {}};
    case State::done:
      break;
  }
  SK_ASSERT(state_ != State::done);  // begin() was forgotten
  return {};
}

H1Step H1ResponseParser::feed_chunked(std::string_view input) {
  const ChunkedDecoder::Step step = chunked_.feed(input);
  switch (step.event) {
    case ChunkedDecoder::Event::need_more:
      return {H1Event::need_more, step.consumed, {}};
    case ChunkedDecoder::Event::data:
      return {H1Event::body, step.consumed, step.data};
    case ChunkedDecoder::Event::end:
      state_ = State::done;
      return {H1Event::end, step.consumed, {}};
    case ChunkedDecoder::Event::error:
      break;
  }
  return refuse(step.consumed, chunked_.error().reason);
}

H1Step H1ResponseParser::finish() {
  switch (state_) {
    case State::head:
      return reader_.idle() ? H1Step{} : refuse(0, "response_closed_in_head");
    case State::body_length:
    case State::body_chunked:
      return refuse(0, "response_closed_in_body");
    case State::body_close:
    case State::end:
      state_ = State::done;
      return {H1Event::end, 0, {}};
    case State::done:
      break;
  }
  return {};
}

// "HTTP/1.x NNN[ reason]"; the reason is dropped: we write our own (RFC 9112 4).
Checked<void> H1ResponseParser::read_status_line(std::string_view line) {
  const std::size_t kVersionBytes = 8;
  if (line.size() < kVersionBytes + 4 || line[kVersionBytes] != ' ') {
    return reject(502, "status_line_malformed");
  }
  const Checked<HttpVersion> version = read_version(line.substr(0, kVersionBytes));
  if (!version) {
    return reject(502, "status_line_version");
  }
  unsigned status = 0;
  for (const char c : line.substr(kVersionBytes + 1, 3)) {
    if (c < '0' || c > '9') {
      return reject(502, "status_not_three_digits");
    }
    status = status * 10 + static_cast<unsigned>(c - '0');
  }
  if (line.size() > kVersionBytes + 4 && line[kVersionBytes + 4] != ' ') {
    return reject(502, "status_not_three_digits");
  }
  if (status < 100 || status > 599) {
    return reject(502, "status_out_of_range");
  }
  head_->version = *version;
  head_->status = static_cast<std::uint16_t>(status);
  return {};
}

H1Step H1ResponseParser::complete_head(std::size_t consumed) {
  if (Checked<void> line = read_status_line(reader_.first_line()); !line) {
    return refuse(consumed, line.error().reason);
  }
  if (Checked<void> fields = reader_.collect_fields(head_->fields); !fields) {
    return refuse(consumed, fields.error().reason);
  }
  const Checked<Framing> framing =
      response_framing(head_->fields, head_->status, head_->version, request_method_);
  if (!framing) {
    return refuse(consumed, framing.error().reason);
  }
  framing_ = *framing;
  head_->content_length = declared_length(head_->fields);
  connection_ = strip_hop_by_hop(*head_);
  switch (framing_.kind) {
    case BodyKind::none:
      state_ = State::end;
      break;
    case BodyKind::length:
      body_left_ = framing_.length;
      state_ = framing_.empty() ? State::end : State::body_length;
      break;
    case BodyKind::chunked:
      chunked_.begin(limits_, kNoBodyLimit, trailers_);
      state_ = State::body_chunked;
      break;
    case BodyKind::until_close:
      state_ = State::body_close;
      break;
  }
  return {H1Event::head, consumed, {}};
}

}  // namespace sk
