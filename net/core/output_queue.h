// Bytes waiting to be sent: a chain of pooled blocks and borrowed slices, in order.
//
// Small pieces are copied together into blocks, so that a response head and its short body leave in
// one send; slices of kCopyBelowBytes and more are chained without copying. Bytes that were handed
// to the kernel stay valid until consume() is told that they were sent: appending never moves what
// is already queued. The queue does not bound itself; its owner compares size() with a limit.
#pragma once

#include "net/core/buffer.h"

#include <sys/uio.h>

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

namespace sk {

inline constexpr std::size_t kCopyBelowBytes = 1024;

class OutputQueue {
 public:
  explicit OutputQueue(BufferPool& pool) : pool_(pool) {}
  OutputQueue(const OutputQueue&) = delete;
  OutputQueue& operator=(const OutputQueue&) = delete;

  void append_copy(std::string_view bytes);
  void append(Slice slice);

  // At least `bytes` (at most kBufferBytes) of writable memory at the end of the queue; call
  // commit() with the number of bytes really written before any other call on the queue.
  std::span<char> reserve(std::size_t bytes);
  void commit(std::size_t bytes);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }

  // Fills out with the first pieces of the queue and returns how many were filled.
  std::size_t peek(std::span<iovec> out) const;
  // The first piece; empty when the queue is.
  [[nodiscard]] std::string_view front() const;

  void consume(std::size_t bytes);
  void clear();

 private:
  // Pieces are in pieces_[first_, pieces_.size()); the vector is compacted when it empties, so in
  // steady state nothing is allocated. The tail block is the buffer of the last piece when
  // room_ > 0: bytes may be added behind that piece's end without another piece.
  BufferPool& pool_;
  std::vector<Slice> pieces_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  char* tail_ = nullptr;
  std::size_t room_ = 0;
};

}  // namespace sk
