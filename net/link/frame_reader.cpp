#include "net/link/frame_reader.h"

#include <algorithm>

namespace sk {

Result<void> FrameReader::begin_frame(std::string_view header) {
  const Result<FrameHeader> frame = decode_header(header);
  if (!frame) {
    return fail(frame.error());
  }
  frame_ = *frame;
  left_ = frame->size;
  in_payload_ = true;
  return {};
}

Result<void> FrameReader::feed(Slice bytes, FrameSink& sink) {
  while (true) {
    if (!in_payload_) {
      if (bytes.empty()) {
        return {};
      }
      if (gathered_.empty() && bytes.size() >= kFrameHeaderBytes) {
        if (const auto begun = begin_frame(bytes.view().substr(0, kFrameHeaderBytes)); !begun) {
          return begun;
        }
        bytes.remove_prefix(kFrameHeaderBytes);
      } else {
        const std::size_t part = std::min(kFrameHeaderBytes - gathered_.size(), bytes.size());
        gathered_.append(bytes.view().substr(0, part));
        bytes.remove_prefix(part);
        if (gathered_.size() < kFrameHeaderBytes) {
          return {};
        }
        if (const auto begun = begin_frame(gathered_); !begun) {
          return begun;
        }
        gathered_.clear();
      }
    }
    if (left_ > 0 && bytes.empty()) {
      return {};
    }
    const Result<void> fed =
        frame_.type == FrameType::body ? feed_body(bytes, sink) : feed_payload(bytes, sink);
    if (!fed) {
      return fed;
    }
  }
}

Result<void> FrameReader::feed_body(Slice& bytes, FrameSink& sink) {
  const std::size_t part = std::min(left_, bytes.size());
  left_ -= part;
  in_payload_ = left_ > 0;
  const bool last = !in_payload_ && (frame_.flags & kFlagEnd) != 0;
  Slice piece = bytes.sub(0, part);
  bytes.remove_prefix(part);
  return sink.on_body(frame_.stream, std::move(piece), last);
}

Result<void> FrameReader::feed_payload(Slice& bytes, FrameSink& sink) {
  const std::size_t part = std::min(left_, bytes.size());
  const std::string_view piece = bytes.view().substr(0, part);
  if (gathered_.empty() && part == left_) {
    in_payload_ = false;
    const Result<void> taken = sink.on_frame(frame_, piece);
    bytes.remove_prefix(part);
    return taken;
  }
  gathered_.append(piece);
  bytes.remove_prefix(part);
  left_ -= part;
  if (left_ > 0) {
    return {};
  }
  in_payload_ = false;
  const Result<void> taken = sink.on_frame(frame_, gathered_);
  gathered_.clear();
  return taken;
}

}  // namespace sk
