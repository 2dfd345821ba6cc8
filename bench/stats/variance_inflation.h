// How much less a number of requests says because they are not independent.
//
// Requests that stand in one queue are slow together. The share of slow ones then varies more from
// run to run than the binomial distribution says; the ratio of the two variances is the inflation,
// and n correlated requests are worth n / inflation independent ones.
//
// The variance is that of a block bootstrap: seconds are drawn with replacement, because what
// happens within a second belongs together and different seconds hardly know of each other.
// Correlation that lasts much longer than a second is not seen; several runs are against that.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace sk::bench {

struct Block {
  std::uint64_t requests = 0;
  std::uint64_t exceedances = 0;
};

inline constexpr std::size_t kResamples = 2'000;
// Of a longer measurement neighbours are joined, so that the cost stays bounded.
inline constexpr std::size_t kBlocksMax = 1'024;

// At least 1 (that the share varies *less* than independent requests would earns nothing); 1 too
// where there is nothing to see: fewer than two blocks, no exceedance, or nothing else.
[[nodiscard]] double variance_inflation(std::span<const Block> blocks, std::uint64_t seed,
                                        std::size_t resamples = kResamples);

}  // namespace sk::bench
