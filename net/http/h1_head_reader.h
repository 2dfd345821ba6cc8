// H1HeadReader collects the bytes of one HTTP/1.1 head and finds its lines; both parsers use it.
//
// It feeds llhttp (strict: every lenient flag off) as bytes arrive, so that garbage is refused at
// its first byte, and copies them once, contiguously, into the arena of the head. When the head is
// complete, collect_fields() checks every line again: name, colon, value, CR LF, nothing else. It
// knows sizes and syntax, no semantics.
//
// Which refusal is reported depends on the bytes alone, never on how they were cut: sizes are
// judged by position, before anything else.
#pragma once

#include "net/http/fields.h"
#include "net/http/limits.h"
#include "net/http/reject.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

struct llhttp__internal_s;

namespace sk {

class H1HeadReader {
 public:
  enum class Kind : std::uint8_t { request, response };
  enum class Outcome : std::uint8_t { need_more, complete, error };

  // limits must outlive the reader.
  H1HeadReader(Kind kind, const H1Limits& limits);

  // Forgets the previous head. The bytes of the next one go to arena.
  void begin(HeadArena& arena);

  // consumed: how many bytes of input belong to the head (or to empty lines before it).
  Outcome feed(std::string_view input, std::size_t& consumed);

  // After complete: the first line without CR LF ...
  [[nodiscard]] std::string_view first_line() const noexcept { return {raw_, first_line_size_}; }
  // ... and the field lines, appended to fields as views into the arena. Refusal: 400.
  [[nodiscard]] Checked<void> collect_fields(Fields& fields) const;
  // True if the method is one of HTTP that llhttp knows, not one of RTSP or of HTTP/2.
  [[nodiscard]] bool is_http_method() const noexcept;

  // True while not one byte of a message has arrived (empty lines before a request do not count).
  [[nodiscard]] bool idle() const noexcept { return raw_size_ == 0; }
  [[nodiscard]] std::size_t head_bytes() const noexcept { return raw_size_; }
  [[nodiscard]] const Reject& error() const noexcept { return error_; }

  // llhttp's lenient flags; a test insists on 0.
  [[nodiscard]] std::uint16_t lenient_flags() const noexcept;

 private:
  struct Mark {
    std::uint32_t offset;  // of the name in the head
    std::uint32_t size;    // of the name
  };
  struct Callbacks;
  // Room for an llhttp_t, so that llhttp.h stays out of everybody's includes.
  struct alignas(8) ParserState {
    std::array<std::byte, 120> bytes;
  };

  llhttp__internal_s* parser() noexcept;
  const llhttp__internal_s* parser() const noexcept;
  bool skip_empty_lines(std::string_view input, std::size_t& consumed);
  std::uint32_t budget() const noexcept;
  bool append(std::string_view bytes, bool last);
  bool add_mark(std::uint32_t offset, std::uint32_t size);
  void set_error(std::uint16_t status, const char* reason) noexcept { error_ = {status, reason}; }
  bool sizes_in_bounds();
  Outcome fail();
  Outcome explain_parser_error(std::string_view offending);
  Outcome complete();

  ParserState state_;
  const H1Limits& limits_;
  HeadArena* arena_ = nullptr;
  char* raw_ = nullptr;  // the head so far, contiguous, in arena_
  std::uint32_t raw_size_ = 0;
  std::uint32_t raw_capacity_ = 0;
  const char* feed_begin_ = nullptr;  // what llhttp has now, which follows raw_[0, raw_size_)
  Mark* marks_ = nullptr;             // in arena_, one per field
  std::uint32_t mark_count_ = 0;
  std::uint32_t mark_capacity_ = 0;
  std::uint32_t first_line_size_ = 0;
  std::uint32_t fields_begin_ = 0;  // what follows the first line, once sizes were judged
  std::uint32_t line_start_ = 0;    // the first line that was not yet judged
  std::uint32_t crlf_bytes_ = 0;    // of empty lines before the message
  Kind kind_;
  bool line_done_ = false;  // the first line has passed its version
  bool in_name_ = false;
  bool headers_done_ = false;
  Reject error_;
};

}  // namespace sk
