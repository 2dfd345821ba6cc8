// Incremental parsers of HTTP/1.1 requests and responses.
//
// llhttp, with every lenient flag off, tokenises the head; then the whole head is checked again by
// our own rules, line by line, because llhttp leaves much to its caller (Host, target form, spaces
// in the request line, repeated transfer codings, every limit). Bodies are delimited by framing.h
// and, where chunked, decoded by chunked_decoder.h. Results do not depend on how the input is cut.
//
// Use: begin(head); then feed() with what was received until it says need_more or error, dropping
// `consumed` bytes from the front each time. head: *head is complete, its bytes copied once into
// the arena it owns, hop-by-hop fields stripped (head.h); framing() and connection() are valid.
// body: a view into the input, never empty. end: the message is over; exactly its bytes were
// consumed, so what follows on the connection is untouched. After end or error: begin() again, or
// stop.
//
// The head given to begin() must outlive the message or be detached by the next begin(). The limits
// must outlive the parser. No allocation in steady state. Not thread-safe.
#pragma once

#include "net/http/chunked_decoder.h"
#include "net/http/framing.h"
#include "net/http/h1_head_reader.h"
#include "net/http/head.h"
#include "net/http/hop_by_hop.h"
#include "net/http/limits.h"
#include "net/http/reject.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sk {

enum class H1Event : std::uint8_t { need_more, head, body, end, error };

struct H1Step {
  H1Event event = H1Event::need_more;
  std::size_t consumed = 0;  // bytes of the input used up, body included
  std::string_view body;     // for H1Event::body
};

class H1RequestParser {
 public:
  explicit H1RequestParser(const H1Limits& limits);

  void begin(RequestHead& head);
  [[nodiscard]] H1Step feed(std::string_view input);
  // The peer will send no more: error 400 inside a message, need_more between messages.
  [[nodiscard]] H1Step finish();

  // The body has been handed out whole and the next feed() says end: nothing more is to be
  // received.
  [[nodiscard]] bool at_end() const noexcept { return state_ == State::end; }

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
  enum class State : std::uint8_t { head, body_length, body_chunked, end, done };

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

  // As in H1RequestParser.
  [[nodiscard]] bool at_end() const noexcept { return state_ == State::end; }
  [[nodiscard]] bool idle() const noexcept { return state_ == State::head && reader_.idle(); }
  [[nodiscard]] const Reject& error() const noexcept { return error_; }
  [[nodiscard]] const Framing& framing() const noexcept { return framing_; }
  [[nodiscard]] const ResponseConnection& connection() const noexcept { return connection_; }
  [[nodiscard]] std::size_t head_bytes() const noexcept { return reader_.head_bytes(); }
  [[nodiscard]] Fields& trailers() noexcept { return trailers_; }

 private:
  enum class State : std::uint8_t { head, body_length, body_chunked, body_close, end, done };

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
