#include "app/nearest_name.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sk::app {
namespace {

constexpr std::size_t kNameBytesMax = 64;

// Optimal string alignment distance, three rows at a time.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  using Row = std::array<std::size_t, kNameBytesMax + 1>;
  Row before{};
  Row previous{};
  Row current{};
  for (std::size_t j = 0; j <= b.size(); ++j) {
    previous[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before[j - 2] + 1);
      }
    }
    before = previous;
    previous = current;
  }
  return previous[b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view wrong,
                              std::span<const std::string_view> candidates) noexcept {
  std::string_view best;
  std::size_t best_distance = kNameBytesMax;
  if (wrong.size() > kNameBytesMax) {
    return best;
  }
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kNameBytesMax) {
      continue;
    }
    const std::size_t distance = edit_distance(wrong, candidate);
    if (distance < best_distance && distance <= (candidate.size() + 2) / 3) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

}  // namespace sk::app
