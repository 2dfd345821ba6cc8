// "Did you mean ...": the nearest of a few valid names to one that was not valid.
#pragma once

#include <span>
#include <string_view>

namespace sk::app {

// The candidate with the fewest edits (insert, delete, replace, swap of neighbours), if they are at
// most a third of its length, rounded up; empty otherwise. Names over 64 bytes are not compared.
[[nodiscard]] std::string_view nearest_name(std::string_view wrong,
                                            std::span<const std::string_view> candidates) noexcept;

}  // namespace sk::app
