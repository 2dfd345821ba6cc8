// HeadArena owns the bytes of one message head: a bump allocator over pooled blocks.
//
// Blocks come from a free list of the thread and go back to it, so in steady state a head costs no
// malloc. A fresh arena owns no block; the first allocation takes one of 4 KiB, which holds nearly
// every head. Addresses stay valid until reset(), release() or destruction; moving the arena moves
// ownership, not bytes. Used on one thread at a time; not thread-safe.
//
// The arena is bounded by kBytesMax: allocate() returns nullptr beyond it, so that no sequence of
// added fields can grow a head without limit.
#pragma once

#include <cstddef>
#include <string_view>

namespace sk {

class HeadArena {
 public:
  static constexpr std::size_t kBytesMax = 512 * 1024;

  HeadArena() = default;
  ~HeadArena() { release(); }
  HeadArena(HeadArena&& other) noexcept;
  HeadArena& operator=(HeadArena&& other) noexcept;
  HeadArena(const HeadArena&) = delete;
  HeadArena& operator=(const HeadArena&) = delete;

  // Uninitialised bytes; nullptr when kBytesMax would be passed. alignment is a power of two <= 16.
  [[nodiscard]] char* allocate(std::size_t bytes, std::size_t alignment = 1) {
    const std::size_t start = (used_ + alignment - 1) & ~(alignment - 1);
    if (start + bytes <= capacity_) [[likely]] {
      used_ = start + bytes;
      return data_ + start;
    }
    return allocate_slow(bytes);
  }

  // A copy of text owned by the arena; a null view when the arena is full (and text is not empty).
  [[nodiscard]] std::string_view copy(std::string_view text);

  // Forgets everything but keeps the first block for the next message on this connection.
  void reset() noexcept;

  // Gives every block back: for an idle connection.
  void release() noexcept;

  // Bytes held in blocks, used or not.
  [[nodiscard]] std::size_t held_bytes() const noexcept { return held_; }

 private:
  struct Block;
  char* allocate_slow(std::size_t bytes);
  void enter(Block* block) noexcept;

  Block* blocks_ = nullptr;  // newest first; the last in the chain is the first block taken
  char* data_ = nullptr;     // of the newest block
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
  std::size_t held_ = 0;
};

}  // namespace sk
