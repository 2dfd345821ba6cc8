// The valid name somebody probably meant.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace sk {

// Edits (insert, remove, replace, swap neighbours) from a to b. Names beyond 64 bytes count as
// entirely different.
std::size_t edit_distance(std::string_view a, std::string_view b);

// The candidate with the fewest edits, if they are few enough to be a slip: at most a third of the
// name's length, rounded up; otherwise empty.
std::string_view nearest_name(std::string_view wrong, std::span<const std::string_view> candidates);

}  // namespace sk
