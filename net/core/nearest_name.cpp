#include "net/core/nearest_name.h"

#include <algorithm>
#include <array>

namespace sk {
namespace {

constexpr std::size_t kNameBytesMax = 64;

}  // namespace

// Optimal string alignment: the usual table, of which only three rows are needed.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  if (a.size() > kNameBytesMax || b.size() > kNameBytesMax) {
    return a == b ? 0 : std::max(a.size(), b.size());
  }
  using Row = std::array<std::size_t, kNameBytesMax + 1>;
  Row before{};
  Row last{};
  Row row{};
  for (std::size_t j = 0; j <= b.size(); ++j) {
    last[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before = last;
    last = row;
  }
  return last[b.size()];
}

std::string_view nearest_name(std::string_view wrong,
                              std::span<const std::string_view> candidates) {
  std::string_view nearest;
  std::size_t fewest = (wrong.size() + 2) / 3 + 1;
  for (const std::string_view candidate : candidates) {
    const std::size_t edits = edit_distance(wrong, candidate);
    if (edits < fewest) {
      fewest = edits;
      nearest = candidate;
    }
  }
  return nearest;
}

}  // namespace sk
