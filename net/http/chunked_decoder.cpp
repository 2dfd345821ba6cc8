#include "net/http/chunked_decoder.h"

#include "net/core/assert.h"
#include "net/http/ascii.h"
#include "net/http/hop_by_hop.h"

#include <algorithm>

namespace sk {
namespace {

bool is_value_byte(char c) noexcept {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
}

}  // namespace

void ChunkedDecoder::begin(const H1Limits& limits, std::uint64_t body_bytes_max, Fields& trailers) {
  limits_ = &limits;
  trailers_ = &trailers;
  body_bytes_max_ = body_bytes_max;
  total_ = 0;
  left_ = 0;
  digits_ = 0;
  extension_ = 0;
  extension_total_ = 0;
  line_ = nullptr;
  line_start_ = 0;
  line_size_ = 0;
  name_size_ = 0;
  trailer_bytes_ = 0;
  state_ = State::size_first;
  error_ = {};
}

bool ChunkedDecoder::refuse(std::uint16_t status, const char* reason) {
  error_ = {status, reason};
  return false;
}

ChunkedDecoder::Step ChunkedDecoder::feed(std::string_view input) {
  SK_DEBUG_ASSERT(state_ != State::done);
  std::size_t at = 0;
  while (at < input.size()) {
    if (state_ == State::data) {
      const std::size_t size =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size() - at));
      left_ -= size;
      if (left_ == 0) {
        state_ = State::data_cr;
      }
      return {Event::data, at + size, input.substr(at, size)};
    }
    if (!take(input[at])) {
      state_ = State::done;
      return {Event::error, at, {}};
    }
    ++at;
    if (state_ == State::done) {
      return {Event::end, at, {}};
    }
  }
  return {Event::need_more, at, {}};
}

bool ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::size_first:
    case State::size:
      return take_size(c);
    case State::extension:
    case State::extension_quoted:
    case State::extension_escaped:
      return take_extension(c);
    case State::size_lf:
      if (c != '\n') {
        return refuse(400, "chunk_cr_without_lf");
      }
      state_ = left_ == 0 ? State::trailer_start : State::data;
      return true;
    case State::data_cr:
      if (c != '\r') {
        return refuse(400, "chunk_data_too_long");
      }
      state_ = State::data_lf;
      return true;
    case State::data_lf:
      if (c != '\n') {
        return refuse(400, "chunk_cr_without_lf");
      }
      state_ = State::size_first;
      digits_ = 0;
      extension_ = 0;
      return true;
    case State::trailer_start:
    case State::trailer_name:
    case State::trailer_value:
    case State::trailer_lf:
    case State::final_lf:
      return take_trailer(c);
    case State::data:
    case State::done:
      break;
  }
  return refuse(400, "chunk_bytes_after_the_end");
}

bool ChunkedDecoder::take_size(char c) {
  const int digit = hex_value(c);
  if (digit >= 0) {
    if (digits_ == limits_->chunk_size_hex_digits) {
      return refuse(400, "chunk_size_too_long");
    }
    ++digits_;
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    state_ = State::size;
    return true;
  }
  if (state_ == State::size_first || (c != '\r' && c != ';')) {
    return refuse(400, "chunk_size_invalid");
  }
  if (left_ > body_bytes_max_ - total_) {
    return refuse(413, "body_too_large");
  }
  total_ += left_;
  state_ = c == ';' ? State::extension : State::size_lf;
  return true;
}

bool ChunkedDecoder::take_extension(char c) {
  if (c == '\r' && state_ == State::extension) {
    state_ = State::size_lf;
    return true;
  }
  if (!is_value_byte(c)) {
    return refuse(400, "chunk_extension_invalid");
  }
  if (++extension_ > limits_->chunk_ext_bytes) {
    return refuse(400, "chunk_extension_too_long");
  }
  if (++extension_total_ > limits_->chunk_ext_total_bytes) {
    return refuse(400, "chunk_extensions_too_large");
  }
  switch (state_) {
    case State::extension:
      state_ = c == '"' ? State::extension_quoted : State::extension;
      break;
    case State::extension_quoted:
      state_ = c == '"'    ? State::extension
               : c == '\\' ? State::extension_escaped
                           : State::extension_quoted;
      break;
    default:
      state_ = State::extension_quoted;
      break;
  }
  return true;
}

bool ChunkedDecoder::trailer_byte(char c) {
  if (line_ == nullptr) {
    line_ = trailers_->arena().allocate(limits_->trailer_total_bytes);
    if (line_ == nullptr) {
      return refuse(431, "trailers_too_large");
    }
  }
  line_[line_size_++] = c;
  return true;
}

bool ChunkedDecoder::take_trailer(char c) {
  // Every byte counts, also of fields that are dropped; the empty line's CR LF does not.
  if (state_ != State::final_lf && !(state_ == State::trailer_start && c == '\r') &&
      ++trailer_bytes_ > limits_->trailer_total_bytes) {
    return refuse(431, "trailers_too_large");
  }
  switch (state_) {
    case State::trailer_start:
      if (c == '\r') {
        state_ = State::final_lf;
        return true;
      }
      line_start_ = line_size_;
      state_ = State::trailer_name;
      [[fallthrough]];
    case State::trailer_name:
      if (c == ':' && line_size_ > line_start_) {
        name_size_ = line_size_ - line_start_;
        state_ = State::trailer_value;
        return true;
      }
      return is_token_char(c) ? trailer_byte(c) : refuse(400, "trailers_malformed");
    case State::trailer_value:
      if (c == '\r') {
        state_ = State::trailer_lf;
        return true;
      }
      return is_value_byte(c) ? trailer_byte(c) : refuse(400, "trailers_forbidden_byte");
    case State::trailer_lf:
      return c == '\n' ? end_trailer_line() : refuse(400, "trailers_cr_without_lf");
    default:
      if (c != '\n') {
        return refuse(400, "trailers_cr_without_lf");
      }
      state_ = State::done;
      return true;
  }
}

bool ChunkedDecoder::end_trailer_line() {
  const std::string_view line(line_ + line_start_, line_size_ - line_start_);
  const std::string_view name = line.substr(0, name_size_);
  const std::string_view value = trim_ows(line.substr(name_size_));
  state_ = State::trailer_start;
  if (!is_trailer_allowed(find_header_id(name), name)) {
    line_size_ = line_start_;
    return true;
  }
  if (trailers_->size() >= limits_->header_fields || !trailers_->add_view(name, value)) {
    return refuse(431, "trailers_too_many_fields");
  }
  return true;
}

}  // namespace sk
