#include "net/core/output_queue.h"

#include <algorithm>

namespace sk {

std::span<char> OutputQueue::reserve(std::size_t bytes) {
  SK_ASSERT(bytes <= kBufferBytes);
  if (room_ < bytes) {
    Buffer& block = pool_.acquire_or_allocate();
    pieces_.push_back(Slice::adopt(block, block.data, 0));
    tail_ = block.data;
    room_ = kBufferBytes;
  }
  return {tail_, room_};
}

void OutputQueue::commit(std::size_t bytes) {
  SK_DEBUG_ASSERT(bytes <= room_);
  pieces_.back().extend(bytes);
  tail_ += bytes;
  room_ -= bytes;
  size_ += bytes;
}

void OutputQueue::append_copy(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::span<char> space = reserve(1);
    const std::size_t part = std::min(space.size(), bytes.size());
    std::memcpy(space.data(), bytes.data(), part);
    commit(part);
    bytes.remove_prefix(part);
  }
}

void OutputQueue::append(Slice slice) {
  if (slice.size() < kCopyBelowBytes) {
    append_copy(slice.view());
    return;
  }
  // A block that was reserved but never written to would otherwise stay as an empty piece.
  if (!pieces_.empty() && pieces_.size() > first_ && pieces_.back().empty()) {
    pieces_.pop_back();
  }
  room_ = 0;
  tail_ = nullptr;
  size_ += slice.size();
  pieces_.push_back(std::move(slice));
}

std::size_t OutputQueue::peek(std::span<iovec> out) const {
  std::size_t filled = 0;
  for (std::size_t i = first_; i < pieces_.size() && filled < out.size(); ++i) {
    if (!pieces_[i].empty()) {
      out[filled++] = iovec{const_cast<char*>(pieces_[i].data()), pieces_[i].size()};
    }
  }
  return filled;
}

std::string_view OutputQueue::front() const {
  for (std::size_t i = first_; i < pieces_.size(); ++i) {
    if (!pieces_[i].empty()) {
      return pieces_[i].view();
    }
  }
  return {};
}

void OutputQueue::consume(std::size_t bytes) {
  SK_ASSERT(bytes <= size_);
  size_ -= bytes;
  while (first_ < pieces_.size()) {
    Slice& piece = pieces_[first_];
    if (bytes < piece.size()) {
      piece.remove_prefix(bytes);
      break;
    }
    bytes -= piece.size();
    const bool last = first_ + 1 == pieces_.size();
    if (last && size_ > 0) {
      break;  // only possible while bytes == 0 and the piece is empty: keep the tail block
    }
    piece.reset();
    ++first_;
  }
  if (size_ == 0) {
    clear();
  } else if (first_ > 64) {
    pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
    first_ = 0;
  }
}

void OutputQueue::clear() {
  pieces_.clear();
  first_ = 0;
  size_ = 0;
  tail_ = nullptr;
  room_ = 0;
}

}  // namespace sk
