#include "lb/upload.h"

#include "net/io/loop.h"

#include <utility>

namespace sk::lb {
namespace {

// A piece pins a buffer of 16 KiB however small it is; small ones are copied together.
constexpr std::size_t kHeldPiecesMax = 16;

OwnAnswer fault_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::too_large:
      return OwnAnswer::body_too_large;
    case ErrorCode::timeout:
      return OwnAnswer::body_timeout;
    default:
      return OwnAnswer::body_malformed;
  }
}

}  // namespace

void Upload::hold(const Slice& piece) {
  if (!replayable_) {
    return;
  }
  held_bytes_ += piece.size();
  if (held_bytes_ > kReplayBytesMax) {
    replayable_ = false;
    held_.clear();
    return;
  }
  held_.push_back(piece);
  if (held_.size() <= kHeldPiecesMax) {
    return;
  }
  std::vector<Slice> fewer;
  std::string together;
  const auto flush = [&] {
    for (std::size_t at = 0; at < together.size(); at += kBufferBytes) {
      fewer.push_back(copy_to_slice(exchange_.loop().buffers(),
                                    std::string_view(together).substr(at, kBufferBytes)));
    }
    together.clear();
  };
  for (const Slice& held : held_) {
    together.append(held.view());
  }
  flush();
  held_ = std::move(fewer);
}

Task<bool> Upload::write(UpstreamStream& stream, Slice piece, CancelScope& scope) {
  BodyWriter& to = stream.request_body();
  // Not wait_writable(): waiting for an endpoint is no writing to the client.
  while (!to.writable() && !to.broken()) {
    const Result<void> room = co_await to.writable_event().wait(scope);
    if (!room) {
      co_return false;
    }
  }
  if (to.broken()) {
    co_return false;  // the endpoint wants no more of it; its answer decides
  }
  to.write(std::move(piece));
  co_return true;
}

Task<void> Upload::send(UpstreamStream& stream, CancelScope& scope) {
  // By index: the vector may not be touched meanwhile, but its elements are shared references.
  for (std::size_t index = 0; index < held_.size(); ++index) {
    Slice piece = held_[index];
    const bool written = co_await write(stream, std::move(piece), scope);
    if (!written) {
      co_return;
    }
  }
  BodyReader& from = exchange_.request_body();
  while (!client_ended_) {
    Result<Slice> piece = co_await from.read(scope);
    if (!piece) {
      if (!scope.cancelled()) {
        fault_ = fault_of(piece.error());
        stream.request_body().reset(piece.error().code);
        stream.head_event().set();
      }
      co_return;
    }
    if (piece->empty()) {
      client_ended_ = true;
      break;
    }
    bytes_ += piece->size();
    if (bytes_ > bytes_max_) {
      fault_ = OwnAnswer::body_too_large;
      from.stop();
      stream.request_body().reset(ErrorCode::too_large);
      stream.head_event().set();
      co_return;
    }
    hold(*piece);
    Slice bytes = std::move(*piece);
    const bool written = co_await write(stream, std::move(bytes), scope);
    if (!written) {
      co_return;
    }
  }
  stream.request_body().finish(from.trailers());
  sent_ = true;
  sent_at_ = exchange_.loop().now();
  stream.head_event().set();
}

}  // namespace sk::lb
