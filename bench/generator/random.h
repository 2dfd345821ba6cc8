// Numbers drawn from a seed: the same seed makes the same run, arrival by arrival.
#pragma once

#include <cmath>
#include <cstdint>

namespace sk::bench {

// SplitMix64 (Steele, Lea and Flood, 2014): one word of state, so that a generator per request,
// seeded with the request's number, costs nothing and depends on no order.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  // Uniform in [0, bound); bound > 0. Multiply-shift, its bias of bound / 2^64 does not matter.
  std::uint64_t below(std::uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * bound) >> 64);
  }
  // Uniform in (0, 1].
  double unit() { return (static_cast<double>(next() >> 11) + 1.0) * 0x1.0p-53; }
  // Exponential with mean 1: the gap between arrivals that know nothing of each other.
  double exponential() { return -std::log(unit()); }

 private:
  std::uint64_t state_;
};

}  // namespace sk::bench
