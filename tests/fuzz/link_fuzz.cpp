// Any bytes through the frame reader and every payload decoder: no crash, no read beyond the end,
// and the same outcome however the bytes are cut.
#include "net/link/frame_reader.h"

#include <cstddef>
#include <cstdint>
#include <string>

namespace {

using namespace sk;

struct Decoder final : FrameSink {
  std::string seen;

  Result<void> on_frame(const FrameHeader& frame, std::string_view payload) override {
    seen += static_cast<char>(frame.type);
    switch (frame.type) {
      case FrameType::hello:
        return outcome(decode_hello(payload));
      case FrameType::request: {
        RequestHead head;
        RequestMeta meta;
        return decode_request(payload, head, meta);
      }
      case FrameType::response: {
        ResponseHead head;
        ResponseMeta meta;
        return decode_response(payload, head, meta);
      }
      case FrameType::end: {
        Fields trailers;
        return decode_end(payload, trailers);
      }
      case FrameType::reset:
      case FrameType::refused:
        return outcome(decode_reason(payload));
      case FrameType::window:
        return outcome(decode_window(payload));
      case FrameType::ping:
        return outcome(decode_ping(payload));
      case FrameType::load:
        return decode_load(payload);
      default:
        return {};
    }
  }
  Result<void> on_body(StreamId, Slice piece, bool last) override {
    seen.append(piece.view());
    seen += last ? '!' : '.';
    return {};
  }

 private:
  template <typename T>
  Result<void> outcome(const Result<T>& result) {
    return result ? Result<void>() : fail(result.error());
  }
};

std::string decode(BufferPool& pool, std::string_view bytes, std::size_t step) {
  Decoder decoder;
  FrameReader reader;
  while (!bytes.empty()) {
    const std::size_t part = std::min({step, bytes.size(), kBufferBytes});
    if (!reader.feed(copy_to_slice(pool, bytes.substr(0, part)), decoder)) {
      return decoder.seen + " broken";
    }
    bytes.remove_prefix(part);
  }
  return decoder.seen;
}

// Body pieces depend on how bytes arrive; what they hold does not.
std::string without_marks(std::string text) {
  std::erase(text, '.');
  return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  BufferPool pool(16);
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = without_marks(decode(pool, bytes, kBufferBytes));
  const std::string cut = without_marks(decode(pool, bytes, 1 + size % 17));
  SK_ASSERT(whole == cut);
  return 0;
}
