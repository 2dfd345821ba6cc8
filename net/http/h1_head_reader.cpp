#include "net/http/h1_head_reader.h"

#include "net/core/assert.h"
#include "net/http/ascii.h"

#include <llhttp.h>

#include <algorithm>
#include <cstring>
#include <new>

namespace sk {

// llhttp calls these with its parser; `data` is the reader that feeds it right now.
struct H1HeadReader::Callbacks {
  static H1HeadReader& self(llhttp_t* parser) { return *static_cast<H1HeadReader*>(parser->data); }

  static int on_version_complete(llhttp_t* parser) {
    self(parser).line_done_ = true;
    return 0;
  }

  // A name arrives in as many pieces as the input was cut into.
  static int on_header_field(llhttp_t* parser, const char* at, std::size_t size) {
    H1HeadReader& reader = self(parser);
    const auto bytes = static_cast<std::uint32_t>(size);
    if (reader.in_name_) {
      reader.marks_[reader.mark_count_ - 1].size += bytes;
      return 0;
    }
    reader.in_name_ = true;
    const auto offset = static_cast<std::uint32_t>(at - reader.feed_begin_);
    return reader.add_mark(reader.raw_size_ + offset, bytes) ? 0 : -1;
  }

  // Bounds are checked here and not when a name begins, because this point does not depend on cuts.
  static int on_header_field_complete(llhttp_t* parser) {
    H1HeadReader& reader = self(parser);
    reader.in_name_ = false;
    if (reader.mark_count_ > reader.limits_.header_fields) {
      reader.set_error(431, "header_too_many_fields");
      return -1;
    }
    return 0;
  }

  static int on_headers_complete(llhttp_t* parser) {
    self(parser).headers_done_ = true;
    return HPE_PAUSED;  // framing.h decides about the body, not llhttp
  }

  static const llhttp_settings_t* settings() {
    static const llhttp_settings_t table = [] {
      llhttp_settings_t s;
      llhttp_settings_init(&s);
      s.on_version_complete = on_version_complete;
      s.on_header_field = on_header_field;
      s.on_header_field_complete = on_header_field_complete;
      s.on_headers_complete = on_headers_complete;
      return s;
    }();
    return &table;
  }
};

namespace {

constexpr std::uint32_t kFirstMarks = 24;
constexpr std::uint32_t kFirstRawBytes = 1024;

}  // namespace

H1HeadReader::H1HeadReader(Kind kind, const H1Limits& limits) : limits_(limits), kind_(kind) {
  static_assert(sizeof(llhttp_t) <= sizeof(ParserState));
  static_assert(alignof(llhttp_t) <= alignof(ParserState));
  auto* parser = new (&state_) llhttp_t;
  llhttp_init(parser, kind == Kind::request ? HTTP_REQUEST : HTTP_RESPONSE, Callbacks::settings());
}

llhttp__internal_s* H1HeadReader::parser() noexcept {
  return std::launder(reinterpret_cast<llhttp_t*>(&state_));
}

const llhttp__internal_s* H1HeadReader::parser() const noexcept {
  return std::launder(reinterpret_cast<const llhttp_t*>(&state_));
}

std::uint16_t H1HeadReader::lenient_flags() const noexcept { return parser()->lenient_flags; }

bool H1HeadReader::is_http_method() const noexcept {
  const unsigned method = parser()->method;
  return method <= HTTP_UNLINK || method == HTTP_QUERY;
}

void H1HeadReader::begin(HeadArena& arena) {
  llhttp_reset(parser());
  arena_ = &arena;
  raw_ = nullptr;
  raw_size_ = 0;
  raw_capacity_ = 0;
  marks_ = nullptr;
  mark_count_ = 0;
  mark_capacity_ = 0;
  first_line_size_ = 0;
  fields_begin_ = 0;
  line_start_ = 0;
  crlf_bytes_ = 0;
  line_done_ = false;
  in_name_ = false;
  headers_done_ = false;
  error_ = {};
}

bool H1HeadReader::add_mark(std::uint32_t offset, std::uint32_t size) {
  if (mark_count_ == mark_capacity_) {
    const std::uint32_t capacity = std::max(kFirstMarks, mark_capacity_ * 2);
    char* memory = arena_->allocate(capacity * sizeof(Mark), alignof(Mark));
    if (memory == nullptr) {
      set_error(431, "header_too_large");
      return false;
    }
    auto* marks = reinterpret_cast<Mark*>(memory);
    std::copy_n(marks_, mark_count_, marks);
    marks_ = marks;
    mark_capacity_ = capacity;
  }
  marks_[mark_count_++] = Mark{offset, size};
  return true;
}

// last: nothing will follow, so the room is exact. Otherwise the room doubles.
bool H1HeadReader::append(std::string_view bytes, bool last) {
  if (bytes.empty()) {
    return true;
  }
  const std::size_t need = raw_size_ + bytes.size();
  if (need > raw_capacity_) {
    const std::size_t capacity = last ? need : std::max<std::size_t>(need * 2, kFirstRawBytes);
    char* memory = arena_->allocate(capacity);
    if (memory == nullptr) {
      set_error(431, "header_too_large");
      return false;
    }
    if (raw_size_ > 0) {
      std::memcpy(memory, raw_, raw_size_);
    }
    raw_ = memory;
    raw_capacity_ = static_cast<std::uint32_t>(capacity);
  }
  std::memcpy(raw_ + raw_size_, bytes.data(), bytes.size());
  raw_size_ = static_cast<std::uint32_t>(need);
  return true;
}

// RFC 9112 2.2 lets a server ignore an empty line before a request line; a few, exact ones.
bool H1HeadReader::skip_empty_lines(std::string_view input, std::size_t& consumed) {
  while (consumed < input.size()) {
    const char c = input[consumed];
    const bool after_cr = crlf_bytes_ % 2 == 1;
    if (after_cr ? c != '\n' : c == '\n') {
      set_error(400, "request_line_after_bare_cr_or_lf");
      return false;
    }
    if (!after_cr && c != '\r') {
      return true;
    }
    if (++crlf_bytes_ > 2 * limits_.leading_crlf_max) {
      set_error(400, "request_line_after_too_many_empty_lines");
      return false;
    }
    ++consumed;
  }
  return true;
}

// How many more bytes may be looked at before sizes must be judged again. Never 0 while
// sizes_in_bounds().
std::uint32_t H1HeadReader::budget() const noexcept {
  const std::uint32_t line = limits_.request_line_bytes + 2;
  return (line_done_ ? line + limits_.header_total_bytes + 3 : line) - raw_size_;
}

H1HeadReader::Outcome H1HeadReader::feed(std::string_view input, std::size_t& consumed) {
  consumed = 0;
  if (kind_ == Kind::request && raw_size_ == 0 && !skip_empty_lines(input, consumed)) {
    return Outcome::error;
  }
  llhttp_t* const parser = this->parser();
  parser->data = this;
  while (consumed < input.size()) {
    const std::string_view piece = input.substr(consumed, budget());
    feed_begin_ = piece.data();
    const llhttp_errno_t outcome = llhttp_execute(parser, piece.data(), piece.size());
    if (outcome == HPE_OK) [[unlikely]] {
      if (!append(piece, false)) {
        return Outcome::error;
      }
      consumed += piece.size();
      if (!sizes_in_bounds()) {
        return Outcome::error;
      }
      continue;
    }
    const char* const stop = llhttp_get_error_pos(parser);
    const auto used = static_cast<std::size_t>(stop - piece.data());
    SK_ASSERT(used <= piece.size());
    consumed += used;
    if (!append(piece.substr(0, used), true)) {
      return Outcome::error;
    }
    return headers_done_ ? complete() : explain_parser_error(piece.substr(used));
  }
  return Outcome::need_more;
}

// Judges every line that has arrived since it was last asked, the unfinished last one included, and
// the whole. An unfinished line may still be waiting for its LF, hence the 2.
bool H1HeadReader::sizes_in_bounds() {
  const std::string_view raw(raw_, raw_size_);
  if (line_start_ == 0) {
    const std::size_t end = raw.find('\n');
    const std::size_t size = end == std::string_view::npos ? raw.size() + 1 : end + 1;
    if (size > limits_.request_line_bytes + 2) {
      set_error(414, "request_line_too_long");
      return false;
    }
    if (end == std::string_view::npos) {
      return true;
    }
    line_done_ = true;  // also where it had no version, for which it is refused in the end
    fields_begin_ = static_cast<std::uint32_t>(end + 1);
    line_start_ = fields_begin_;
  }
  // What lies behind the point where the total is exceeded does not count: whether it is here
  // already depends on how the input was cut.
  const std::size_t total_end = std::size_t{fields_begin_} + limits_.header_total_bytes + 3;
  const std::string_view judged = raw.substr(0, total_end);
  const std::size_t field_limit = limits_.header_field_bytes + 2;
  for (;;) {
    const std::size_t end = judged.find('\n', line_start_);
    const std::size_t size =
        (end == std::string_view::npos ? judged.size() + 1 : end + 1) - line_start_;
    if (size > field_limit) {
      set_error(431, "header_field_too_long");
      return false;
    }
    if (end == std::string_view::npos) {
      break;
    }
    line_start_ = static_cast<std::uint32_t>(end + 1);
  }
  if (raw.size() >= total_end) {
    set_error(431, "header_too_large");
    return false;
  }
  return true;
}

// error_ is set, unless a size that was exceeded earlier in the head comes first.
H1HeadReader::Outcome H1HeadReader::fail() {
  const Reject why = error_;
  if (sizes_in_bounds()) {
    error_ = why;
  }
  return Outcome::error;
}

H1HeadReader::Outcome H1HeadReader::explain_parser_error(std::string_view offending) {
  if (error_.reason[0] != '\0') {  // a callback said no
    return fail();
  }
  // Reasons are told by what came before the error only: whether the byte behind it is here already
  // depends on how the input was cut, except where llhttp needed it to decide.
  const std::string_view raw(raw_, raw_size_);
  const bool in_first_line = raw.find('\n') == std::string_view::npos;
  switch (llhttp_get_errno(parser())) {
    case HPE_INVALID_METHOD:
      // An unfinished but possible token is a method that nobody knows; anything else is noise.
      // "PRO" is where a PROXY line leaves the methods that begin alike.
      if (raw == "PRO" && offending.starts_with('X')) {
        set_error(400, "proxy_protocol_unexpected");
      } else if (!offending.empty() && is_token_char(offending.front())) {
        set_error(501, "method_unknown");
      } else {
        set_error(400, "method_missing");
      }
      break;
    case HPE_INVALID_VERSION:
      // llhttp blames the version also for what follows it; a bare LF even as already used up.
      if (raw.ends_with("/1.1") || raw.ends_with("/1.0") || raw.ends_with('\n')) {
        set_error(400, "request_line_ending");
      } else {
        set_error(505, "version_unsupported");
      }
      break;
    case HPE_PAUSED_H2_UPGRADE:
      set_error(505, "http2_preface_unexpected");
      break;
    case HPE_INVALID_URL:
    case HPE_INVALID_CONSTANT:
      set_error(400, "request_line_malformed");
      break;
    case HPE_INVALID_CONTENT_LENGTH:
    case HPE_UNEXPECTED_CONTENT_LENGTH:
      set_error(400, "content_length_invalid");
      break;
    case HPE_INVALID_TRANSFER_ENCODING:
      set_error(400, "transfer_encoding_invalid");
      break;
    case HPE_INVALID_HEADER_TOKEN:
    case HPE_UNEXPECTED_SPACE:
      set_error(400, "header_forbidden_byte");
      break;
    case HPE_CR_EXPECTED:
    case HPE_LF_EXPECTED:
    case HPE_STRICT:
      set_error(400, in_first_line ? "request_line_ending" : "header_line_ending");
      break;
    default:
      set_error(400, in_first_line ? "request_line_malformed" : "header_malformed");
      break;
  }
  return fail();
}

H1HeadReader::Outcome H1HeadReader::complete() {
  const std::string_view raw(raw_, raw_size_);
  // Judged by us once more, whatever llhttp thought: the head ends in an empty line, and the first
  // line ends where the fields begin.
  const std::size_t fields_begin = mark_count_ > 0 ? marks_[0].offset : raw.size() - 2;
  if (!raw.ends_with("\r\n\r\n") || fields_begin < 2 || raw.substr(fields_begin - 2, 2) != "\r\n") {
    set_error(400, "header_line_ending");
    return fail();
  }
  first_line_size_ = static_cast<std::uint32_t>(fields_begin - 2);
  // The common head is smaller than any limit and needs no look at its lines.
  if (raw.size() > std::min(limits_.request_line_bytes, limits_.header_field_bytes) ||
      raw.size() - fields_begin > limits_.header_total_bytes) {
    if (!sizes_in_bounds()) {
      return Outcome::error;
    }
  }
  return Outcome::complete;
}

Checked<void> H1HeadReader::collect_fields(Fields& fields) const {
  for (std::uint32_t i = 0; i < mark_count_; ++i) {
    const Mark& mark = marks_[i];
    const std::size_t name_end = std::size_t{mark.offset} + mark.size;
    const std::size_t next = i + 1 < mark_count_ ? marks_[i + 1].offset : raw_size_ - 2;
    if (name_end + 3 > next || raw_[name_end] != ':' || raw_[next - 2] != '\r' ||
        raw_[next - 1] != '\n') {
      return reject(400, "header_not_a_field_line");
    }
    const std::string_view name(raw_ + mark.offset, mark.size);
    const std::string_view value =
        trim_ows(std::string_view(raw_ + name_end + 1, next - 2 - name_end - 1));
    if (!is_field_value(value)) {
      return reject(400, "header_forbidden_byte_in_a_value");
    }
    const HeaderId id = find_header_id(name);
    if (id == HeaderId::unknown && !is_token(name)) {
      return reject(400, "header_name_is_not_a_token");
    }
    if (!fields.add_view(id, name, value)) {
      return reject(431, "header_too_many_fields");
    }
  }
  return {};
}

}  // namespace sk
