// FrameReader cuts a byte stream into frames.
//
// BODY payloads are handed on in pieces as they arrive, as slices of the receive buffer, so that a
// large body is never gathered. Other payloads are shown whole: in place when one buffer holds
// them, else from a buffer of their own, which is bounded by kPayloadBytesMax (and larger only for
// HELLO).
#pragma once

#include "net/core/buffer.h"
#include "net/core/result.h"
#include "net/link/frame_codec.h"

#include <string>
#include <string_view>

namespace sk {

class FrameSink {
 public:
  // An error ends the link; it is returned by FrameReader::feed().
  [[nodiscard]] virtual Result<void> on_frame(const FrameHeader& frame,
                                              std::string_view payload) = 0;
  // A piece of a BODY payload; last: the frame ends with it and carries kFlagEnd.
  [[nodiscard]] virtual Result<void> on_body(StreamId stream, Slice piece, bool last) = 0;

 protected:
  ~FrameSink() = default;
};

class FrameReader {
 public:
  [[nodiscard]] Result<void> feed(Slice bytes, FrameSink& sink);
  // True between frames: an end of stream here cuts nothing.
  [[nodiscard]] bool at_boundary() const { return !in_payload_ && gathered_.empty(); }

 private:
  [[nodiscard]] Result<void> begin_frame(std::string_view header);
  [[nodiscard]] Result<void> feed_body(Slice& bytes, FrameSink& sink);
  [[nodiscard]] Result<void> feed_payload(Slice& bytes, FrameSink& sink);

  FrameHeader frame_;
  std::size_t left_ = 0;  // of the payload
  bool in_payload_ = false;
  std::string gathered_;  // a header or payload that came in several pieces
};

}  // namespace sk
