#include "net/core/assert.h"

#include <cstdio>
#include <cstdlib>

namespace sk {
namespace {

std::atomic<std::uint64_t> unexpected_count{0};

}  // namespace

void assert_failed(const char* expression, const char* file, int line) noexcept {
  std::fprintf(stderr, "assertion failed: %s at %s:%d\n", expression, file, line);
  std::abort();
}

bool unexpected(std::atomic<std::uint64_t>& count, const char* expression, const char* file,
                int line) noexcept {
  unexpected_count.fetch_add(1, std::memory_order_relaxed);
  if (count.fetch_add(1, std::memory_order_relaxed) == 0) {
    std::fprintf(stderr, "unexpected, and survived: %s at %s:%d\n", expression, file, line);
  }
  return true;
}

std::uint64_t unexpected_total() noexcept {
  return unexpected_count.load(std::memory_order_relaxed);
}

}  // namespace sk
