#include "net/link/page.h"

#include "net/core/assert.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace sk {
namespace {

enum State : std::uint32_t { kSent = 1, kStarted = 2, kRevoked = 3 };

// The request is over, or was never timed.
constexpr std::uint32_t kNoStage = 0xff;

constexpr int kSeals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

std::uint32_t encode(std::uint16_t generation, State state) {
  return (std::uint32_t{generation} << 8) | state;
}

}  // namespace

// Lock-free atomics are the same thing in both processes.
static_assert(std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(std::atomic<std::uint64_t>::is_always_lock_free);

Result<LinkPage> LinkPage::map_memory(OwnedFd fd, std::uint32_t slots) {
  LinkPage page;
  page.fd_ = std::move(fd);
  page.slots_ = slots;
  void* memory =
      ::mmap(nullptr, slots * kStrideBytes, PROT_READ | PROT_WRITE, MAP_SHARED, page.fd_.get(), 0);
  if (memory == MAP_FAILED) {
    return fail(error_from_errno(errno, "link page: mmap"));
  }
  page.memory_ = static_cast<char*>(memory);
  return page;
}

Result<LinkPage> LinkPage::create(std::uint32_t slots) {
  SK_ASSERT(slots > 0);
  SK_ASSERT(slots < kNoSlot);
  OwnedFd fd(::memfd_create("sidekick-link", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (fd.get() < 0) {
    return fail(error_from_errno(errno, "link page: memfd_create"));
  }
  if (::ftruncate(fd.get(), static_cast<off_t>(slots * kStrideBytes)) < 0 ||
      ::fcntl(fd.get(), F_ADD_SEALS, kSeals) < 0) {
    return fail(error_from_errno(errno, "link page: seal"));
  }
  return map_memory(std::move(fd), slots);
}

Result<LinkPage> LinkPage::map(int fd, std::uint32_t slots) {
  OwnedFd page_fd(fd);
  struct stat info{};
  const int seals = ::fcntl(fd, F_GET_SEALS);
  if (::fstat(fd, &info) < 0 || seals < 0 || (seals & kSeals) != kSeals ||
      info.st_size != static_cast<off_t>(slots * kStrideBytes)) {
    return fail(ErrorCode::malformed, "link page: not a sealed page of the agreed size");
  }
  return map_memory(std::move(page_fd), slots);
}

LinkPage::LinkPage(LinkPage&& other) noexcept
    : fd_(std::move(other.fd_)),
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
}

LinkPage::Slot& LinkPage::slot(std::uint16_t index) const {
  SK_DEBUG_ASSERT(index < slots_);
  return *reinterpret_cast<Slot*>(memory_ + index * kStrideBytes);
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

bool LinkPage::started(StreamId stream) const {
  return word(stream.slot).load(std::memory_order_acquire) == encode(stream.generation, kStarted);
}

void LinkPage::note_stages(StreamId stream, const StageClock& clock) {
  Slot& to = slot(stream.slot);
  to.entered_ns.store(to_monotonic_ns(clock.started_at()), std::memory_order_relaxed);
  for (std::size_t i = 0; i < kNoted.size(); ++i) {
    const std::int64_t us = clock.times()[kNoted[i]] / std::chrono::microseconds(1);
    to.spent_us[i].store(static_cast<std::uint32_t>(std::min<std::int64_t>(us, UINT32_MAX)),
                         std::memory_order_relaxed);
  }
  const std::uint32_t present =
      clock.running() ? static_cast<std::uint32_t>(clock.present()) : kNoStage;
  const std::uint32_t struck =
      clock.struck() ? static_cast<std::uint32_t>(*clock.struck()) : kNoStage;
  to.present.store(std::uint32_t{stream.generation} << 16 | struck << 8 | present,
                   std::memory_order_release);
}

std::optional<WorkerStages> LinkPage::stages(StreamId stream) const {
  const Slot& from = slot(stream.slot);
  const std::uint32_t present = from.present.load(std::memory_order_acquire);
  if (present >> 16 != stream.generation) {
    return std::nullopt;
  }
  const auto stage_of = [](std::uint32_t byte) -> std::optional<Stage> {
    return byte < kStages ? std::optional(static_cast<Stage>(byte)) : std::nullopt;
  };
  WorkerStages noted;
  noted.present = stage_of(present & 0xff);
  noted.struck = stage_of(present >> 8 & 0xff);
  noted.entered = from_monotonic_ns(from.entered_ns.load(std::memory_order_relaxed));
  for (std::size_t i = 0; i < kNoted.size(); ++i) {
    noted.times[kNoted[i]] =
        std::chrono::microseconds(from.spent_us[i].load(std::memory_order_relaxed));
  }
  return noted;
}

}  // namespace sk
