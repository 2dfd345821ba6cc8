#include "net/io/connection_balance.h"

#include "net/core/assert.h"
#include "net/io/loop.h"

#include <utility>

namespace sk {
namespace {

// A loop may have this many connections more than the least loaded one, and a 32nd of those on top:
// an exact balance of thousands would cost a message per connection and gain nothing.
constexpr std::uint64_t kSurplus = 1;
constexpr unsigned kSurplusShift = 5;

}  // namespace

// One cache line each: every loop writes its own all the time.
struct alignas(64) ConnectionBalance::Place {
  Place(Loop& owner, Adopt on_connection) : loop(owner), adopt(std::move(on_connection)) {}
  std::atomic<std::uint64_t> count{0};
  Loop& loop;
  Adopt adopt;
};

ConnectionBalance::ConnectionBalance() = default;
ConnectionBalance::~ConnectionBalance() = default;

ConnectionBalance::Seat ConnectionBalance::join(Loop& loop, Adopt adopt) {
  places_.push_back(std::make_unique<Place>(loop, std::move(adopt)));
  return places_.size() - 1;
}

ConnectionBalance::Seat ConnectionBalance::choose(Seat accepting) const {
  Seat least = accepting;
  const std::uint64_t own = connections(accepting);
  std::uint64_t fewest = own;
  for (Seat seat = 0; seat < places_.size(); ++seat) {
    const std::uint64_t count = connections(seat);
    if (count < fewest) {
      fewest = count;
      least = seat;
    }
  }
  return own > fewest + kSurplus + (fewest >> kSurplusShift) ? least : accepting;
}

void ConnectionBalance::place(Seat accepting, int fd) {
  SK_ASSERT(accepting < places_.size());
  const Seat seat = choose(accepting);
  Place& place = *places_[seat];
  place.count.fetch_add(1, std::memory_order_relaxed);
  if (seat == accepting) {
    place.adopt(fd);
    return;
  }
  handed_over_.fetch_add(1, std::memory_order_relaxed);
  place.loop.post([&place, fd] { place.adopt(fd); });
}

void ConnectionBalance::ended(Seat owner) {
  const std::uint64_t before = places_[owner]->count.fetch_sub(1, std::memory_order_relaxed);
  SK_ASSERT(before > 0);
}

std::uint64_t ConnectionBalance::connections(Seat seat) const {
  return places_[seat]->count.load(std::memory_order_relaxed);
}

std::uint64_t ConnectionBalance::total() const {
  std::uint64_t sum = 0;
  for (const std::unique_ptr<Place>& place : places_) {
    sum += place->count.load(std::memory_order_relaxed);
  }
  return sum;
}

}  // namespace sk
