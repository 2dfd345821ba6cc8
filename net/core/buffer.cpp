#include "net/core/buffer.h"

#include <sys/mman.h>

#include <cstdlib>
#include <new>

namespace sk {
namespace {

// Buffers start at different cache sets: with a stride of exactly 16 KiB the first lines of all
// of them, the only ones a small request touches, would compete for eight sets of an L2 cache.
constexpr std::size_t kStrideBytes = kBufferBytes + 192;

}  // namespace

BufferPool::BufferPool(std::size_t count) : region_bytes_(count * kStrideBytes) {
  SK_ASSERT(count >= 1);
  SK_ASSERT(count <= 65535);
  void* region = ::mmap(nullptr, region_bytes_, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (region == MAP_FAILED) {
    throw std::bad_alloc();
  }
  region_ = static_cast<char*>(region);
  buffers_.resize(count);
  free_.reserve(count);
  for (std::size_t i = count; i-- > 0;) {
    buffers_[i] = Buffer{region_ + i * kStrideBytes, this, 0, static_cast<std::uint32_t>(i)};
    free_.push_back(static_cast<std::uint32_t>(i));
  }
}

BufferPool::~BufferPool() {
  SK_ASSERT(free_.size() == buffers_.size());
  SK_ASSERT(heap_live_ == 0);
  ::munmap(region_, region_bytes_);
}

Buffer* BufferPool::acquire() {
  if (free_.empty()) {
    was_dry_ = true;
    return nullptr;
  }
  Buffer& buffer = buffers_[free_.back()];
  free_.pop_back();
  buffer.references = 1;
  return &buffer;
}

Buffer& BufferPool::acquire_or_allocate() {
  if (Buffer* buffer = acquire()) {
    return *buffer;
  }
  char* memory = static_cast<char*>(std::malloc(sizeof(Buffer) + kBufferBytes));
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  ++heap_fallbacks_;
  ++heap_live_;
  return *new (memory) Buffer{memory + sizeof(Buffer), this, 1, kHeapBuffer};
}

void BufferPool::release(Buffer& buffer) {
  SK_DEBUG_ASSERT(buffer.references == 0);
  if (buffer.index == kHeapBuffer) {
    --heap_live_;
    std::free(&buffer);
    return;
  }
  free_.push_back(buffer.index);
  if (was_dry_ && notify_ != nullptr) {
    was_dry_ = false;
    notify_(notify_context_);
  }
}

Slice copy_to_slice(BufferPool& pool, std::string_view bytes) {
  SK_ASSERT(bytes.size() <= kBufferBytes);
  Buffer& buffer = pool.acquire_or_allocate();
  std::memcpy(buffer.data, bytes.data(), bytes.size());
  return Slice::adopt(buffer, buffer.data, bytes.size());
}

}  // namespace sk
