// The layout of payloads that encoding and decoding share. A part of frame_encode.cpp and
// frame_decode.cpp, which alone include it; the frames themselves are described in frames.h.
#pragma once

#include "net/http/header_id.h"

#include <bit>
#include <cstddef>
#include <cstdint>

namespace sk {

static_assert(std::endian::native == std::endian::little, "frames are written as memory lies");

inline constexpr std::size_t kRequestFixedBytes = 48;
inline constexpr std::size_t kResponseFixedBytes = 16;
inline constexpr std::size_t kHelloFixedBytes = 36;
inline constexpr std::size_t kFieldFixedBytes = 8;

inline constexpr std::uint8_t kBitLength = 1;
inline constexpr std::uint8_t kBitQuery = 2;
inline constexpr std::uint8_t kBitHttps = 4;
inline constexpr std::uint8_t kBitWebsocket = 8;
inline constexpr std::uint8_t kBitHttp10 = 16;
inline constexpr std::uint8_t kBitHttp2 = 32;
inline constexpr std::uint8_t kBitRemoteTls = 64;
inline constexpr std::uint8_t kBitTimeStages = 128;

// Fields that belong to one connection or to framing: a head on the link never has them.
inline constexpr HeaderIdSet kConnectionFields{HeaderId::host,
                                               HeaderId::connection,
                                               HeaderId::content_length,
                                               HeaderId::transfer_encoding,
                                               HeaderId::te,
                                               HeaderId::trailer,
                                               HeaderId::upgrade,
                                               HeaderId::keep_alive,
                                               HeaderId::proxy_connection,
                                               HeaderId::http2_settings,
                                               HeaderId::expect};

}  // namespace sk
