// Three ways to meet the impossible.
//
// SK_ASSERT(x)        always on; for invariants this program owns. Prints the place and aborts.
// SK_DEBUG_ASSERT(x)  the same, compiled out of release builds; for checks that cost more than a
// compare. SK_UNEXPECTED(x)    true where x happened: logged once per place, counted, survived.
//
// Bytes that came from a peer never reach an assertion: they are validated and answered.
#pragma once

#include <atomic>
#include <cstdint>

namespace sk {

[[noreturn]] void assert_failed(const char* expression, const char* file, int line) noexcept;

// Logs the place on the first call for this counter; returns true so that it can stand in a
// condition.
bool unexpected(std::atomic<std::uint64_t>& count, const char* expression, const char* file,
                int line) noexcept;

// Sum over all places since start; exported as sidekick_unexpected_total.
std::uint64_t unexpected_total() noexcept;

}  // namespace sk

#define SK_ASSERT(x) \
  (static_cast<bool>(x) ? static_cast<void>(0) : ::sk::assert_failed(#x, __FILE__, __LINE__))

#ifdef NDEBUG
#define SK_DEBUG_ASSERT(x) static_cast<void>(sizeof((x) ? 1 : 0))
#else
#define SK_DEBUG_ASSERT(x) SK_ASSERT(x)
#endif

#define SK_UNEXPECTED(x)                                       \
  (static_cast<bool>(x) && [] {                                \
    static std::atomic<std::uint64_t> sk_count{0};             \
    return ::sk::unexpected(sk_count, #x, __FILE__, __LINE__); \
  }())
