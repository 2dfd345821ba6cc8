// OwnedFd: a descriptor that is closed with its owner. Not for descriptors that a loop's operations
// use: those are closed by Loop::close(), when nothing is in flight.
#pragma once

#include <unistd.h>

#include <utility>

namespace sk {

class OwnedFd {
 public:
  OwnedFd() = default;
  // fd: ours from now on; negative: none.
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept : fd_(other.release()) {}
  OwnedFd& operator=(OwnedFd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = other.release();
    }
    return *this;
  }
  ~OwnedFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  // The caller's from now on.
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) {
      ::close(release());
    }
  }

 private:
  int fd_ = -1;
};

}  // namespace sk
