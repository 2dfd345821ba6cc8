#include "net/link/page.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "net/core/assert.h"

namespace sk {
namespace {

enum State : std::uint32_t { kSent = 1, kStarted = 2, kRevoked = 3 };

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::uint32_t encode(std::uint16_t generation, State state) {
  return (std::uint32_t{generation} << 8) | state;
}

}  // namespace

// A lock-free 32-bit atomic is the same thing in both processes.
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

Result<LinkPage> LinkPage::map_memory(int fd, std::uint32_t slots) {
  LinkPage page;
  page.fd_ = fd;
  page.slots_ = slots;
  void* memory =
      ::mmap(nullptr, slots * kStrideBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) {
    return fail(error_from_errno(errno, "link page: mmap"));
  }
  page.memory_ = static_cast<char*>(memory);
  return page;
}

Result<LinkPage> LinkPage::create(std::uint32_t slots) {
  SK_ASSERT(slots > 0);
  SK_ASSERT(slots < kNoSlot);
  const int fd = ::memfd_create("sidekick-link", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) {
    return fail(error_from_errno(errno, "link page: memfd_create"));
  }
  if (::ftruncate(fd, static_cast<off_t>(slots * kStrideBytes)) < 0 ||
      ::fcntl(fd, F_ADD_SEALS, kSeals) < 0) {
    const int error = errno;
    ::close(fd);
    return fail(error_from_errno(error, "link page: seal"));
  }
  return map_memory(fd, slots);
}

Result<LinkPage> LinkPage::map(int fd, std::uint32_t slots) {
  struct stat info{};
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (::fstat(fd, &info) < 0 || seals < 0 || (seals & kSeals) != kSeals ||
      info.st_size != static_cast<off_t>(slots * kStrideBytes)) {
    ::close(fd);
    return fail(ErrorCode::malformed, "link page: not a sealed page of the agreed size");
  }
  return map_memory(fd, slots);
}

LinkPage::LinkPage(LinkPage&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      memory_(std::exchange(other.memory_, nullptr)),
      slots_(std::exchange(other.slots_, 0)) {}

LinkPage& LinkPage::operator=(LinkPage&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(memory_, other.memory_);
  std::swap(slots_, other.slots_);
  return *this;
}

LinkPage::~LinkPage() {
  if (memory_ != nullptr) {
    ::munmap(memory_, slots_ * kStrideBytes);
  }
  close_fd();
}

void LinkPage::close_fd() {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

std::atomic<std::uint32_t>& LinkPage::word(std::uint16_t slot) {
  SK_DEBUG_ASSERT(slot < slots_);
  return *reinterpret_cast<std::atomic<std::uint32_t>*>(memory_ + slot * kStrideBytes);
}

void LinkPage::publish(StreamId stream) {
  word(stream.slot).store(encode(stream.generation, kSent), std::memory_order_release);
}

bool LinkPage::try_start(StreamId stream) {
  std::uint32_t expected = encode(stream.generation, kSent);
  return word(stream.slot)
      .compare_exchange_strong(expected, encode(stream.generation, kStarted),
                               std::memory_order_acq_rel);
}

bool LinkPage::try_revoke(StreamId stream) {
  std::uint32_t expected = encode(stream.generation, kSent);
  return word(stream.slot)
      .compare_exchange_strong(expected, encode(stream.generation, kRevoked),
                               std::memory_order_acq_rel);
}

}  // namespace sk
