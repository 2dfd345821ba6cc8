#pragma once

#include <cstddef>
#include <cstdint>

namespace sk::bench {

// The whole protocol between bench-relay-link and bench-link-backend: this header, then `bytes`
// bytes. A frame up is one request as the client sent it; a frame down is its whole answer. Host
// byte order.
struct LinkFrame {
  std::uint32_t stream = 0;  // slot and generation of the client; the backend only echoes it
  std::uint32_t bytes = 0;   // 1..kFrameMax
};

inline constexpr std::size_t kFrameMax = 4096;
inline constexpr std::size_t kLinkBatchMax =
    256 * 1024;  // what one send on the link carries at most

}  // namespace sk::bench
