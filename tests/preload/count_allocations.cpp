// Preloaded into a program, this counts every allocation that anybody in the process makes, our
// code or a library's, on its way to the allocator in use. Two 64-bit numbers lie in the file
// $SK_ALLOCATIONS.<pid>, mapped, so that a test reads them while the program runs: all allocations,
// and those of them that OpenSSL's libcrypto asked for (all of OpenSSL allocates through it).
#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

namespace {

struct Counts {
  std::atomic<std::uint64_t> all{0};
  std::atomic<std::uint64_t> openssl{0};
};

Counts uncounted;
std::atomic<Counts*> counts{&uncounted};

// Where libcrypto's code lies; set before main().
std::uintptr_t libcrypto_begin = 0;
std::uintptr_t libcrypto_end = 0;

int find_libcrypto(dl_phdr_info* library, std::size_t, void*) {
  if (std::strstr(library->dlpi_name, "libcrypto") == nullptr) {
    return 0;
  }
  for (int i = 0; i < library->dlpi_phnum; ++i) {
    const auto& segment = library->dlpi_phdr[i];
    if (segment.p_type == PT_LOAD && (segment.p_flags & PF_X) != 0) {
      libcrypto_begin = library->dlpi_addr + segment.p_vaddr;
      libcrypto_end = libcrypto_begin + segment.p_memsz;
    }
  }
  return 1;
}

void count(void* caller) {
  Counts& now = *counts.load(std::memory_order_relaxed);
  now.all.fetch_add(1, std::memory_order_relaxed);
  const auto address = reinterpret_cast<std::uintptr_t>(caller);
  if (address >= libcrypto_begin && address < libcrypto_end) {
    now.openssl.fetch_add(1, std::memory_order_relaxed);
  }
}

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
  if (fd < 0 || ::ftruncate(fd, sizeof(Counts)) < 0) {
    return;
  }
  void* memory = ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  if (memory != MAP_FAILED) {
    ::dl_iterate_phdr(find_libcrypto, nullptr);
    counts.store(new (memory) Counts);
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
  count(__builtin_return_address(0));
  return real(size);
}

void* calloc(std::size_t items, std::size_t size) {
  static const auto real = next<void* (*)(std::size_t, std::size_t)>("calloc");
  count(__builtin_return_address(0));
  return real(items, size);
}

void* realloc(void* memory, std::size_t size) {
  static const auto real = next<void* (*)(void*, std::size_t)>("realloc");
  count(__builtin_return_address(0));
  return real(memory, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  static const auto real = next<int (*)(void**, std::size_t, std::size_t)>("posix_memalign");
  count(__builtin_return_address(0));
  return real(memory, alignment, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  static const auto real = next<void* (*)(std::size_t, std::size_t)>("aligned_alloc");
  count(__builtin_return_address(0));
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
