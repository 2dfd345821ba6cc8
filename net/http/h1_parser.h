// Incremental parsers of HTTP/1.1 requests and responses.
//
// llhttp, with every lenient flag off, tokenises the head; then the whole head is checked again by
// our own rules, line by line, because llhttp leaves much to its caller (Host, target form, spaces
// in the request line, repeated transfer codings, every limit). Bodies are delimited by framing.h
// and, where chunked, decoded by chunked_decoder.h. Results do not depend on how the input is cut.
//
// Use: begin(head); then feed() with what was received until it says need_more or error, dropping
// `consumed` bytes from the front each time. head: *head is complete, its bytes copied once into the
// arena it owns, hop-by-hop fields stripped (head.h); framing() and connection() are valid. body:
// a view into the input, never empty. end: the message is over; exactly its bytes were consumed, so
// what follows on the connection is untouched. After end or error: begin() again, or stop.
//
// The head given to begin() must outlive the message or be detached by the next begin(). The limits
// must outlive the parser. No allocation in steady state. Not thread-safe.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "net/http/chunked_decoder.h"
#include "net/http/framing.h"
#include "net/http/head.h"
#include "net/http/hop_by_hop.h"
#include "net/http/limits.h"
#include "net/http/reject.h"

namespace sk {

enum class H1Event : std::uint8_t { need_more, head, body, end, error };

struct H1Step {
  H1Event event = H1Event::need_more;
  std::size_t consumed = 0;  // bytes of the input used up, body included
  std::string_view body;     // for H1Event::body
};

// Collects the bytes of one head and finds its lines. Shared by both parsers; knows no semantics.
class H1HeadReader {
 public:
  enum class Outcome : std::uint8_t { need_more, complete, error };

  H1HeadReader(llhttp_type_t type, const H1Limits& limits);

  // Forgets the previous head. The bytes of the next one go to arena.
  void begin(HeadArena& arena);

  // consumed: how many bytes of input belong to the head.
  Outcome feed(std::string_view input, std::size_t& consumed);

  // After complete: the first line without CR LF, and the field lines, split and checked, appended
  // to fields as views into the arena (Content-Length, Host and all others still among them).
  [[nodiscard]] std::string_view first_line() const noexcept { return {raw_, first_line_size_}; }
  [[nodiscard]] bool collect_fields(Fields& fields);

  // True while not one byte of a message has arrived (empty lines before a request do not count).
  [[nodiscard]] bool idle() const noexcept { return raw_size_ == 0; }
  [[nodiscard]] std::size_t head_bytes() const noexcept { return raw_size_; }
  [[nodiscard]] const Reject& error() const noexcept { return error_; }

  // What llhttp made of the flags a lenient parser would have; 0 in strict mode. For a test.
  [[nodiscard]] std::uint16_t lenient_flags() const noexcept { return parser_.lenient_flags; }

 private:
  struct Mark {
    std::uint32_t offset;  // of the name in the head
    std::uint32_t size;    // of the name
  };

  static const llhttp_settings_t& settings();
  static int on_version_complete(llhttp_t* parser);
  static int on_header_field(llhttp_t* parser, const char* at, std::size_t size);
  static int on_header_field_complete(llhttp_t* parser);
  static int on_headers_complete(llhttp_t* parser);

  Outcome refuse(std::uint16_t status, const char* reason);
  bool skip_empty_lines(std::string_view input, std::size_t& consumed);
  std::size_t budget() const noexcept;
  bool append(std::string_view bytes);
  bool check_line_sizes(bool whole_head);
  Outcome explain_llhttp_error();
  bool find_lines();

  llhttp_t parser_{};
  const H1Limits& limits_;
  HeadArena* arena_ = nullptr;
  char* raw_ = nullptr;  // the head so far, contiguous, in arena_
  std::uint32_t raw_size_ = 0;
  std::uint32_t raw_capacity_ = 0;
  std::uint32_t fed_ = 0;             // bytes of the head that llhttp had before the current feed
  const char* feed_begin_ = nullptr;  // start of the current feed
  std::uint32_t first_line_size_ = 0;
  Mark* marks_ = nullptr;  // in arena_, one per field
  std::uint32_t mark_count_ = 0;
  std::uint32_t mark_capacity_ = 0;
  std::uint32_t crlf_bytes_ = 0;  // of empty lines before the message
  std::uint32_t line_start_ = 0;  // offset of the unfinished line
  bool line_done_ = false;        // the first line passed its version
  bool in_name_ = false;
  bool headers_done_ = false;
  Reject error_;
};

class H1RequestParser {
 public:
  explicit H1RequestParser(const H1Limits& limits);

  void begin(RequestHead& head);
  [[nodiscard]] H1Step feed(std::string_view input);
  // The peer will send no more: error 400 inside a message, need_more between messages.
  [[nodiscard]] H1Step finish();

  // Between begin() and the first byte of a message: nothing is lost if the connection closes now.
  [[nodiscard]] bool idle() const noexcept { return state_ == State::head && reader_.idle(); }
  [[nodiscard]] const Reject& error() const noexcept { return error_; }

  // Valid from H1Event::head on.
  [[nodiscard]] const Framing& framing() const noexcept { return framing_; }
  [[nodiscard]] const RequestConnection& connection() const noexcept { return connection_; }
  [[nodiscard]] std::size_t head_bytes() const noexcept { return reader_.head_bytes(); }
  // Valid from H1Event::end on; empty for a body that was not chunked.
  [[nodiscard]] Fields& trailers() noexcept { return trailers_; }

  // Between head and the first body byte: a tighter or wider limit for this message. False if the
  // declared length is already beyond it.
  [[nodiscard]] bool set_body_limit(std::uint64_t bytes);

 private:
  enum class State : std::uint8_t { head, body_start, body_length, body_chunked, end, done };

  H1Step complete_head(std::size_t consumed);
  Checked<void> read_request_line(std::string_view line);
  Checked<void> read_fields();
  H1Step refuse(std::size_t consumed, const Reject& why);
  H1Step feed_chunked(std::string_view input);

  const H1Limits& limits_;
  H1HeadReader reader_;
  ChunkedDecoder chunked_;
  RequestHead* head_ = nullptr;
  Fields trailers_;
  Framing framing_;
  RequestConnection connection_;
  std::uint64_t body_left_ = 0;
  std::uint64_t body_limit_ = 0;
  std::string_view absolute_authority_;
  State state_ = State::done;
  Reject error_;
};

class H1ResponseParser {
 public:
  explicit H1ResponseParser(const H1Limits& limits);

  // request_method: what the response answers; it decides whether a body follows.
  void begin(ResponseHead& head, Method request_method);
  [[nodiscard]] H1Step feed(std::string_view input);
  // The peer closed: end for a body that runs until close, else error (truncated) or, where not one
  // byte of a response had come, need_more. Every fault is a Reject with status 502.
  [[nodiscard]] H1Step finish();

  [[nodiscard]] bool idle() const noexcept { return state_ == State::head && reader_.idle(); }
  [[nodiscard]] const Reject& error() const noexcept { return error_; }
  [[nodiscard]] const Framing& framing() const noexcept { return framing_; }
  [[nodiscard]] const ResponseConnection& connection() const noexcept { return connection_; }
  [[nodiscard]] std::size_t head_bytes() const noexcept { return reader_.head_bytes(); }
  [[nodiscard]] Fields& trailers() noexcept { return trailers_; }

 private:
  enum class State : std::uint8_t { head, body_start, body_length, body_chunked, body_close, end, done };

  H1Step complete_head(std::size_t consumed);
  Checked<void> read_status_line(std::string_view line);
  H1Step refuse(std::size_t consumed, const char* reason);
  H1Step feed_chunked(std::string_view input);

  const H1Limits& limits_;
  H1HeadReader reader_;
  ChunkedDecoder chunked_;
  ResponseHead* head_ = nullptr;
  Method request_method_ = Method::get;
  Fields trailers_;
  Framing framing_;
  ResponseConnection connection_;
  std::uint64_t body_left_ = 0;
  State state_ = State::done;
  Reject error_;
};

}  // namespace sk
