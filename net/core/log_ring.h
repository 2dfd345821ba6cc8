// LogRing carries whole log lines from one thread to the log writer, without locks.
//
// One producer (the thread that owns the ring) and one consumer (LogWriter's thread). The memory is
// mapped twice in a row, so that every line and everything readable is contiguous. A full ring
// refuses the line and counts it: a slow reader of our output never delays a request.
#pragma once

#include "net/core/result.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sk {

inline constexpr std::size_t kLogRingBytes = 1U << 20;

// A container runtime splits longer lines (16 KiB), and a split line is no JSON any more.
inline constexpr std::size_t kLogLineBytesMax = 16'000;

class LogRing {
 public:
  // capacity_bytes: a power of two and a multiple of the page size, at least 64 KiB (asserted).
  // Aborts where the kernel has no memory for it: it happens once, at start.
  explicit LogRing(std::size_t capacity_bytes = kLogRingBytes);
  ~LogRing();
  LogRing(const LogRing&) = delete;
  LogRing& operator=(const LogRing&) = delete;

  // Producer: room for one line of up to kLogLineBytesMax bytes, or an empty span (counted as a
  // dropped line) where the ring is too full. Valid until commit().
  std::span<char> reserve() noexcept;

  // Producer: the first `bytes` of the reserved room are one whole line, ending in a newline.
  // Returns true once when more than half of the ring is in use: the caller should then wake the
  // writer.
  bool commit(std::size_t bytes) noexcept;

  // Producer: a line that exists already. Lines longer than kLogLineBytesMax are refused (counted).
  bool append(std::string_view line) noexcept;

  // Consumer: all committed lines, whole; release() gives the first `bytes` of them back.
  std::string_view readable() const noexcept;
  void release(std::size_t bytes) noexcept;

  // Lines refused since start. Any thread.
  std::uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }
  // The consumer lost lines that it had taken (its output failed).
  void count_lost(std::uint64_t lines) noexcept {
    dropped_.fetch_add(lines, std::memory_order_relaxed);
  }

 private:
  // Set once.
  char* memory_ = nullptr;
  std::size_t capacity_;

  // Bytes ever written and ever read; both only grow, so their difference is what is in use.
  alignas(64) std::atomic<std::uint64_t> written_{0};  // producer
  std::uint64_t read_seen_ = 0;                        // producer's last look at read_
  bool wake_asked_ = false;                            // producer
  alignas(64) std::atomic<std::uint64_t> read_{0};     // consumer
  alignas(64) std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace sk
