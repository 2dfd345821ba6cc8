#include "net/core/owned_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace sk {
namespace {

OwnedFd some() { return OwnedFd(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
bool is_open(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(OwnedFdTest, ClosesWithItsOwner) {
  int fd = -1;
  {
    const OwnedFd owner = some();
    fd = owner.get();
    ASSERT_TRUE(is_open(fd));
  }
  EXPECT_FALSE(is_open(fd));
}

TEST(OwnedFdTest, MovingHandsOverAndClosesWhatWasThere) {
  OwnedFd first = some();
  OwnedFd second = some();
  const int kept = first.get();
  const int dropped = second.get();
  second = std::move(first);
  EXPECT_EQ(first.get(), -1);
  EXPECT_EQ(second.get(), kept);
  EXPECT_TRUE(is_open(kept));
  EXPECT_FALSE(is_open(dropped));
}

TEST(OwnedFdTest, ReleasedIsTheCallers) {
  OwnedFd owner = some();
  const OwnedFd taken(owner.release());
  owner.reset();
  EXPECT_TRUE(is_open(taken.get()));
}

}  // namespace
}  // namespace sk
