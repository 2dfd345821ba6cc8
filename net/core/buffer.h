// Buffers of one loop, and slices that share them.
//
// A BufferPool belongs to one loop and one thread. It holds `count` buffers of kBufferBytes in one
// mapping; free ones are kept last-in first-out so that the warm ones are used first. A Slice is a
// counted reference to a range of one buffer; the last Slice to go returns the buffer. The count is
// not atomic: slices never leave their loop's thread.
//
// acquire() says no when the pool is dry: receivers then park (see Loop). Output, whose amount is
// bounded elsewhere (per connection), uses acquire_or_allocate(), which takes heap memory instead
// of failing; how often that happened is counted.
#pragma once

#include "net/core/assert.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace sk {

class BufferPool;

// 16 KiB: the largest TLS record's payload and the largest body frame of the worker link.
inline constexpr std::size_t kBufferBytes = 16384;

struct Buffer {
  char* data = nullptr;
  BufferPool* pool = nullptr;
  std::uint32_t references = 0;
  std::uint32_t index = 0;  // kHeapBuffer for one that came from the heap
};

inline constexpr std::uint32_t kHeapBuffer = UINT32_MAX;

class BufferPool {
 public:
  // count: 1..65535 (an index fits io_uring's buffer id).
  explicit BufferPool(std::size_t count);
  ~BufferPool();  // every buffer must be back
  BufferPool(const BufferPool&) = delete;
  BufferPool& operator=(const BufferPool&) = delete;

  // A buffer with one reference, or nullptr when all are in use.
  Buffer* acquire();
  Buffer& acquire_or_allocate();
  void release(Buffer& buffer);  // called when the count fell to zero

  [[nodiscard]] Buffer& at(std::size_t index) { return buffers_[index]; }
  [[nodiscard]] std::size_t count() const { return buffers_.size(); }
  [[nodiscard]] std::size_t free_count() const { return free_.size(); }
  [[nodiscard]] std::uint64_t heap_fallbacks() const { return heap_fallbacks_; }

  // Set by the loop: called when a buffer returned after acquire() had said no.
  void on_refill(void (*notify)(void*), void* context) {
    notify_ = notify;
    notify_context_ = context;
  }

 private:
  char* region_ = nullptr;
  std::size_t region_bytes_ = 0;
  std::vector<Buffer> buffers_;
  std::vector<std::uint32_t> free_;
  std::size_t heap_live_ = 0;
  std::uint64_t heap_fallbacks_ = 0;
  bool was_dry_ = false;
  void (*notify_)(void*) = nullptr;
  void* notify_context_ = nullptr;
};

// A counted range of bytes. Empty by default. Bytes with static lifetime need no buffer.
class Slice {
 public:
  Slice() = default;

  // Takes over one reference that the caller holds.
  static Slice adopt(Buffer& buffer, const char* data, std::size_t size) {
    Slice slice;
    slice.buffer_ = &buffer;
    slice.data_ = data;
    slice.size_ = static_cast<std::uint32_t>(size);
    return slice;
  }

  // bytes must live for the whole program.
  static Slice of_static(std::string_view bytes) {
    Slice slice;
    slice.data_ = bytes.data();
    slice.size_ = static_cast<std::uint32_t>(bytes.size());
    return slice;
  }

  Slice(const Slice& other) : buffer_(other.buffer_), data_(other.data_), size_(other.size_) {
    if (buffer_ != nullptr) {
      ++buffer_->references;
    }
  }
  Slice(Slice&& other) noexcept
      : buffer_(std::exchange(other.buffer_, nullptr)),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  Slice& operator=(Slice other) noexcept {
    std::swap(buffer_, other.buffer_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~Slice() { drop(); }

  [[nodiscard]] const char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::string_view view() const { return {data_, size_}; }

  // The same buffer, a part of the range.
  [[nodiscard]] Slice sub(std::size_t offset, std::size_t size) const {
    SK_DEBUG_ASSERT(offset + size <= size_);
    Slice part = *this;
    part.data_ += offset;
    part.size_ = static_cast<std::uint32_t>(size);
    return part;
  }

  void remove_prefix(std::size_t size) {
    SK_DEBUG_ASSERT(size <= size_);
    data_ += size;
    size_ -= static_cast<std::uint32_t>(size);
  }

  // For OutputQueue, which fills a block behind the end of its last slice: the bytes that follow
  // the range in the same buffer belong to it from now on.
  void extend(std::size_t size) { size_ += static_cast<std::uint32_t>(size); }

  void reset() {
    drop();
    buffer_ = nullptr;
    data_ = nullptr;
    size_ = 0;
  }

 private:
  void drop() {
    if (buffer_ != nullptr && --buffer_->references == 0) {
      buffer_->pool->release(*buffer_);
    }
  }

  Buffer* buffer_ = nullptr;
  const char* data_ = nullptr;
  std::uint32_t size_ = 0;
};

// A pooled copy of bytes (at most kBufferBytes of them).
Slice copy_to_slice(BufferPool& pool, std::string_view bytes);

}  // namespace sk
