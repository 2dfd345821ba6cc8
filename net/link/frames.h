// The worker link's wire format: length-prefixed frames, little-endian, fixed layouts.
//
// One Unix stream socket per (balancer thread, worker). Both ends come from one build, on one host;
// nevertheless every field and every state is validated, because a worker runs user code and must
// not be able to corrupt the balancer. A broken frame ends the link.
//
// Frame:   u32 payload bytes | u8 type | u8 flags | u16 zero | u16 slot | u16 generation | payload
//
// Stream ids are slot + generation. The balancer opens a slot by REQUEST with a generation other
// than the slot's last. A direction ends with its terminal frame: END, a frame with kFlagEnd, or
// RESET (REFUSED ends the worker's direction too). A slot is free again when both directions have
// ended; frames that crossed such an end on their way are dropped by the worker, while the worker
// itself sends nothing on a stream after its own terminal frame, which therefore says STOP as well
// (not in a tunnel: there one direction may outlive the other).
//
// Payloads (offsets in bytes):
//   HELLO     u32 version, u32 slots, u64 header table hash, u64 boot id, u32 stream window,
//             u32 link window, u16 patterns, u16 zero, then per route pattern u16 length and text
//   REQUEST   kRequestFixedBytes as in frame_format.h (among them the deadline, when the balancer
//             had the head, and whether the worker shall note its stages in the page), then id,
//             address, trace context, method, authority, path, query, fields; kFlagEnd: no body
//   RESPONSE  u64 content length, u16 status, u16 fields, u16 route pattern (0xffff: none),
//             u8 bits (1: content length is set), u8 zero, fields; kFlagEnd: no body
//   BODY      1 to kBodyBytesMax bytes; kFlagEnd: the last ones
//   END       nothing, or u16 fields, u16 zero, fields
//   RESET     u32 reason (ErrorCode); from the balancer also after its END: end your direction too
//   STOP      nothing: send no more body on this stream
//   REFUSED   u32 reason: the worker never started this request
//   WINDOW    u32 bytes: more credit for the stream, or for the link (slot kNoSlot)
//   LOAD      u32 in flight, u32 loop lag in us, u32 pool wait in us (reserved: validated, unused)
//   DRAIN     nothing: open no new streams (either way)
//   PING      u64 of the sender's choice; kFlagAck on the answer
// A field is u8 id, u8 zero, u16 name bytes (0 where the id is known), u32 value bytes, name,
// value.
#pragma once

#include "net/core/buffer.h"

#include <cstddef>
#include <cstdint>

namespace sk {

inline constexpr std::uint32_t kLinkVersion = 2;

enum class FrameType : std::uint8_t {
  hello = 1,
  request,
  response,
  body,
  end,
  reset,
  stop,
  refused,
  window,
  load,
  drain,
  ping,
};
inline constexpr std::uint8_t kFrameTypeLast = static_cast<std::uint8_t>(FrameType::ping);

inline constexpr std::uint8_t kFlagEnd = 1;  // REQUEST, RESPONSE, BODY
inline constexpr std::uint8_t kFlagAck = 1;  // PING

inline constexpr std::size_t kFrameHeaderBytes = 12;
inline constexpr std::size_t kBodyBytesMax = kBufferBytes;
// Heads: 64 KiB of fields, two targets of 16 KiB, and room for the fixed parts.
inline constexpr std::size_t kPayloadBytesMax = 128 * 1024;

inline constexpr std::uint16_t kNoSlot = 0xffff;
inline constexpr std::uint16_t kNoPattern = 0xffff;
inline constexpr std::size_t kRoutePatternsMax = 4096;
inline constexpr std::size_t kRoutePatternBytesMax = 512;

struct StreamId {
  std::uint16_t slot = kNoSlot;
  std::uint16_t generation = 0;
  friend bool operator==(StreamId, StreamId) = default;
};

struct FrameHeader {
  std::uint32_t size = 0;  // of the payload
  FrameType type = FrameType::hello;
  std::uint8_t flags = 0;
  StreamId stream;
};

// What both ends agree on; the balancer sets slots and windows, the worker's HELLO repeats them.
struct LinkLimits {
  std::uint32_t slots = 512;                     // streams open at once, per link
  std::uint32_t stream_window = 16 * 1024;       // credit of a fresh stream, per direction
  std::uint32_t stream_window_max = 256 * 1024;  // grows to this with the drain rate
  // Credit that windows may grow by beyond their first 16 KiB, over all streams: the memory a link
  // may hold for streams that drain slowly after having been fast.
  std::uint32_t growth_pool = 4 * 1024 * 1024;

  // What one end may have in flight in all; enough that no stream's first window ever waits.
  [[nodiscard]] std::uint32_t link_window() const { return slots * stream_window + growth_pool; }
};

// Frames queued beyond this wait in their streams until the kernel has taken some.
inline constexpr std::size_t kLinkBatchBytes = 256 * 1024;

}  // namespace sk
