#include "app/response_stream.h"

#include "net/io/loop.h"

#include <algorithm>

namespace sk::app {

Task<Result<void>> ResponseStream::write(std::string_view bytes) {
  sk::BodyWriter& body = exchange_.response_body();
  while (!bytes.empty()) {
    if (!body.writable() || body.broken()) {
      const Result<void> room = co_await body.wait_writable(exchange_.scope());
      if (!room) {
        co_return fail(room.error());
      }
    }
    const std::size_t piece = std::min(bytes.size(), kBufferBytes);
    body.write(copy_to_slice(exchange_.loop().buffers(), bytes.substr(0, piece)));
    bytes.remove_prefix(piece);
  }
  co_return Result<void>();
}

Task<Result<void>> ResponseStream::write_static(std::string_view bytes) {
  sk::BodyWriter& body = exchange_.response_body();
  while (!bytes.empty()) {
    if (!body.writable() || body.broken()) {
      const Result<void> room = co_await body.wait_writable(exchange_.scope());
      if (!room) {
        co_return fail(room.error());
      }
    }
    const std::size_t piece = std::min(bytes.size(), kBufferBytes);
    body.write(Slice::of_static(bytes.substr(0, piece)));
    bytes.remove_prefix(piece);
  }
  co_return Result<void>();
}

}  // namespace sk::app
