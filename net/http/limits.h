// Size limits of HTTP/1.1 messages. The defaults are those of a listener that faces the internet.
#pragma once

#include <cstdint>

namespace sk {

struct H1Limits {
  std::uint32_t request_line_bytes = 8192;   // without CRLF; beyond it 414. Also of a status line
  std::uint32_t header_field_bytes = 8192;   // one field line without CRLF; beyond it 431
  std::uint32_t header_total_bytes = 32768;  // all field lines with their CRLFs; beyond it 431
  std::uint32_t header_fields = 100;         // at most 200; beyond it 431
  std::uint32_t method_bytes = 32;
  std::uint32_t authority_bytes = 255;
  std::uint32_t leading_crlf_max = 2;           // empty lines tolerated before a request line
  std::uint64_t body_bytes = 8388608;           // declared or counted; beyond it 413
  std::uint32_t chunk_size_hex_digits = 15;     // at most 15: 60 bits
  std::uint32_t chunk_ext_bytes = 256;          // per chunk
  std::uint32_t chunk_ext_total_bytes = 16384;  // per body
  std::uint32_t trailer_total_bytes = 8192;     // beyond it 431
};

inline constexpr std::uint64_t kNoBodyLimit = UINT64_MAX;

}  // namespace sk
