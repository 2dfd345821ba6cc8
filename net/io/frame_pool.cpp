#include "net/io/frame_pool.h"

#include <array>
#include <new>

namespace sk {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kPooled = false;
#else
constexpr bool kPooled = true;
#endif

constexpr std::size_t kClassBytes = 128;
constexpr std::size_t kClasses = 32;

struct FreeFrame {
  FreeFrame* next;
};

// What a thread hoards is bounded by the most frames it ever had live at once, which in turn is
// bounded by its connections; it is given back when the thread ends.
struct FramePool {
  std::array<FreeFrame*, kClasses> free{};
  ~FramePool() {
    for (FreeFrame*& head : free) {
      while (head != nullptr) {
        FreeFrame* next = head->next;
        ::operator delete(head);
        head = next;
      }
    }
  }
};

thread_local FramePool pool;

}  // namespace

void* allocate_frame(std::size_t bytes) {
  const std::size_t size_class = (bytes - 1) / kClassBytes;
  if (!kPooled || size_class >= kClasses) {
    return ::operator new(bytes);
  }
  FreeFrame*& head = pool.free[size_class];
  if (head == nullptr) {
    return ::operator new((size_class + 1) * kClassBytes);
  }
  FreeFrame* frame = head;
  head = frame->next;
  return frame;
}

void free_frame(void* frame, std::size_t bytes) noexcept {
  const std::size_t size_class = (bytes - 1) / kClassBytes;
  if (!kPooled || size_class >= kClasses) {
    ::operator delete(frame);
    return;
  }
  auto* node = static_cast<FreeFrame*>(frame);
  node->next = pool.free[size_class];
  pool.free[size_class] = node;
}

}  // namespace sk
