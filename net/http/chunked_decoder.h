// Decoder of the chunked transfer coding (RFC 9112 7.1), strict and incremental.
//
// Lines end in CR LF exactly. A chunk size is 1 to limits.chunk_size_hex_digits hex digits,
// followed at once by CR LF or ';'. Extensions are parsed, counted and dropped. Trailer fields are
// validated like header fields; those that may arrive late (is_trailer_allowed) are kept, the
// others dropped. Data is handed out as views into the input. The decoder stops right behind the
// final CR LF.
#pragma once

#include "net/http/fields.h"
#include "net/http/limits.h"
#include "net/http/reject.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sk {

class ChunkedDecoder {
 public:
  enum class Event : std::uint8_t { need_more, data, end, error };
  struct Step {
    Event event = Event::need_more;
    std::size_t consumed = 0;  // bytes of the input used up, data included
    std::string_view data;     // for Event::data; part of the input
  };

  // limits and trailers must outlive the decoding; body_bytes_max counts data bytes of this body.
  void begin(const H1Limits& limits, std::uint64_t body_bytes_max, Fields& trailers);

  // Call again with the rest until need_more, end or error. After end or error: begin() first.
  [[nodiscard]] Step feed(std::string_view input);

  [[nodiscard]] const Reject& error() const noexcept { return error_; }
  [[nodiscard]] std::uint64_t body_bytes() const noexcept { return total_; }

 private:
  enum class State : std::uint8_t {
    size_first,  // needs at least one digit
    size,
    extension,  // between ';' and CR, outside quotes
    extension_quoted,
    extension_escaped,  // behind a backslash in quotes
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer_start,  // at the start of a trailer line
    trailer_name,
    trailer_value,
    trailer_lf,
    final_lf,
    done,
  };

  // Handles one byte outside chunk data; false after error_ was set.
  bool take(char c);
  bool take_size(char c);
  bool take_extension(char c);
  bool take_trailer(char c);
  bool refuse(std::uint16_t status, const char* reason);
  bool trailer_byte(char c);
  bool end_trailer_line();

  const H1Limits* limits_ = nullptr;
  Fields* trailers_ = nullptr;
  std::uint64_t body_bytes_max_ = 0;
  std::uint64_t total_ = 0;  // data bytes announced so far
  std::uint64_t left_ = 0;  // of the current chunk: its size while being read, then what is to come
  std::uint32_t digits_ = 0;
  std::uint32_t extension_ = 0;        // bytes of this chunk's extensions
  std::uint32_t extension_total_ = 0;  // of all chunks' of this body
  char* line_ = nullptr;               // trailer_total_bytes of room, taken at the first trailer
  std::uint32_t line_start_ = 0;
  std::uint32_t line_size_ = 0;  // end of what was collected in line_
  std::uint32_t name_size_ = 0;
  std::uint32_t trailer_bytes_ = 0;
  State state_ = State::done;
  Reject error_;
};

}  // namespace sk
