// Preloaded into a program, this counts every allocation that anybody in the process makes, our code
// or a library's, on its way to the allocator in use. The count is a 64-bit number in the file
// $SK_ALLOCATIONS.<pid>, mapped, so that a test reads it while the program runs.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::uint64_t> uncounted{0};
std::atomic<std::atomic<std::uint64_t>*> counter{&uncounted};

void count() { counter.load(std::memory_order_relaxed)->fetch_add(1, std::memory_order_relaxed); }

// The next definition of a function in the order of the dynamic linker: the allocator's own.
template <typename Function>
Function next(const char* name) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

__attribute__((constructor)) void open_counter() {
  const char* prefix = std::getenv("SK_ALLOCATIONS");
  if (prefix == nullptr) {
    return;
  }
  char path[4096];
  std::snprintf(path, sizeof(path), "%s.%d", prefix, static_cast<int>(::getpid()));
  const int fd = ::open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || ::ftruncate(fd, sizeof(std::uint64_t)) < 0) {
    return;
  }
  void* memory = ::mmap(nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory != MAP_FAILED) {
    counter.store(new (memory) std::atomic<std::uint64_t>(0));
  }
}

void* allocate_aligned(std::size_t size, std::size_t alignment) {
  void* memory = nullptr;
  return ::posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

void* or_throw(void* memory) {
  if (memory == nullptr) {
    throw std::bad_alloc();
  }
  return memory;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  static const auto real = next<void* (*)(std::size_t)>("malloc");
  count();
  return real(size);
}

void* calloc(std::size_t items, std::size_t size) {
  static const auto real = next<void* (*)(std::size_t, std::size_t)>("calloc");
  count();
  return real(items, size);
}

void* realloc(void* memory, std::size_t size) {
  static const auto real = next<void* (*)(void*, std::size_t)>("realloc");
  count();
  return real(memory, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  static const auto real = next<int (*)(void**, std::size_t, std::size_t)>("posix_memalign");
  count();
  return real(memory, alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  static const auto real = next<void* (*)(std::size_t, std::size_t)>("aligned_alloc");
  count();
  return real(alignment, size);
}

}  // extern "C"

// The allocator replaces operator new too; ours come first and end in the same place.
void* operator new(std::size_t size) { return or_throw(std::malloc(size)); }
void* operator new[](std::size_t size) { return or_throw(std::malloc(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate_aligned(size, static_cast<std::size_t>(alignment)));
}
void* operator new[](std::size_t size, std::align_val_t alignment) {
  return or_throw(allocate_aligned(size, static_cast<std::size_t>(alignment)));
}
