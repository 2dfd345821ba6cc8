#include "bench/stats/variance_inflation.h"

#include <algorithm>
#include <random>
#include <vector>

namespace sk::bench {
namespace {

std::vector<Block> joined(std::span<const Block> blocks) {
  const std::size_t per_block = (blocks.size() + kBlocksMax - 1) / kBlocksMax;
  std::vector<Block> result;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % per_block == 0) {
      result.emplace_back();
    }
    result.back().requests += blocks[i].requests;
    result.back().exceedances += blocks[i].exceedances;
  }
  return result;
}

// The variance of exceedances / requests over bootstrap resamples.
double bootstrap_variance(std::span<const Block> blocks, std::uint64_t seed,
                          std::size_t resamples) {
  std::mt19937_64 random(seed);
  double sum = 0;
  double sum_of_squares = 0;
  std::size_t counted = 0;
  for (std::size_t i = 0; i < resamples; ++i) {
    std::uint64_t requests = 0;
    std::uint64_t exceedances = 0;
    for (std::size_t j = 0; j < blocks.size(); ++j) {
      // Multiply and shift: uniform enough below 2^32 blocks, and the same with every library.
      const Block& drawn = blocks[((random() >> 32) * blocks.size()) >> 32];
      requests += drawn.requests;
      exceedances += drawn.exceedances;
    }
    if (requests > 0) {
      const double share = static_cast<double>(exceedances) / static_cast<double>(requests);
      sum += share;
      sum_of_squares += share * share;
      ++counted;
    }
  }
  if (counted < 2) {
    return 0;
  }
  const double mean = sum / static_cast<double>(counted);
  return std::max(0.0, sum_of_squares / static_cast<double>(counted) - mean * mean);
}

}  // namespace

double variance_inflation(std::span<const Block> blocks, std::uint64_t seed,
                          std::size_t resamples) {
  std::uint64_t requests = 0;
  std::uint64_t exceedances = 0;
  for (const Block& block : blocks) {
    requests += block.requests;
    exceedances += block.exceedances;
  }
  if (blocks.size() < 2 || exceedances == 0 || exceedances == requests) {
    return 1;
  }
  const std::vector<Block> kept = joined(blocks);
  const double n = static_cast<double>(requests);
  const double share = static_cast<double>(exceedances) / n;
  // Drawing with replacement makes the variance too small by (B - 1) / B.
  const double count = static_cast<double>(kept.size());
  const double variance = bootstrap_variance(kept, seed, resamples) * count / (count - 1);
  return std::clamp(variance / (share * (1 - share) / n), 1.0, n);
}

}  // namespace sk::bench
