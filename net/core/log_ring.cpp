#include "net/core/log_ring.h"

#include "net/core/assert.h"

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstring>

namespace sk {

LogRing::LogRing(std::size_t capacity_bytes) : capacity_(capacity_bytes) {
  static_assert(kLogLineBytesMax * 4 < (64U << 10));
  SK_ASSERT(std::has_single_bit(capacity_bytes));
  SK_ASSERT(capacity_bytes >= (64U << 10));
  SK_ASSERT(capacity_bytes % static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) == 0);
  const int memory = memfd_create("sidekick-log-ring", MFD_CLOEXEC);
  SK_ASSERT(memory >= 0);
  SK_ASSERT(ftruncate(memory, static_cast<off_t>(capacity_)) == 0);
  // First the address space for both halves, then the same pages into each of them.
  void* const space =
      mmap(nullptr, capacity_ * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  SK_ASSERT(space != MAP_FAILED);
  memory_ = static_cast<char*>(space);
  for (char* half : {memory_, memory_ + capacity_}) {
    void* const mapped =
        mmap(half, capacity_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, memory, 0);
    SK_ASSERT(mapped == half);
  }
  close(memory);
}

LogRing::~LogRing() { munmap(memory_, capacity_ * 2); }

std::span<char> LogRing::reserve() noexcept {
  const std::uint64_t written = written_.load(std::memory_order_relaxed);
  if (capacity_ - (written - read_seen_) < kLogLineBytesMax) {
    read_seen_ = read_.load(std::memory_order_acquire);
    if (capacity_ - (written - read_seen_) < kLogLineBytesMax) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return {};
    }
  }
  return {memory_ + (written & (capacity_ - 1)), kLogLineBytesMax};
}

bool LogRing::commit(std::size_t bytes) noexcept {
  SK_ASSERT(bytes <= kLogLineBytesMax);
  const std::uint64_t written = written_.load(std::memory_order_relaxed) + bytes;
  written_.store(written, std::memory_order_release);
  if (written - read_seen_ <= capacity_ / 2) {
    wake_asked_ = false;
    return false;
  }
  read_seen_ = read_.load(std::memory_order_acquire);
  const bool half_full = written - read_seen_ > capacity_ / 2;
  const bool wake = half_full && !wake_asked_;
  wake_asked_ = half_full;
  return wake;
}

bool LogRing::append(std::string_view line) noexcept {
  if (line.size() > kLogLineBytesMax) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return false;
  }
  const std::span<char> room = reserve();
  if (room.empty()) {
    return false;
  }
  std::memcpy(room.data(), line.data(), line.size());
  return commit(line.size());
}

std::string_view LogRing::readable() const noexcept {
  const std::uint64_t read = read_.load(std::memory_order_relaxed);
  const std::uint64_t written = written_.load(std::memory_order_acquire);
  return {memory_ + (read & (capacity_ - 1)), static_cast<std::size_t>(written - read)};
}

void LogRing::release(std::size_t bytes) noexcept {
  const std::uint64_t read = read_.load(std::memory_order_relaxed) + bytes;
  SK_ASSERT(read <= written_.load(std::memory_order_relaxed));
  read_.store(read, std::memory_order_release);
}

}  // namespace sk
