// Where the repository lies, so that a test finds its data from any working directory.
#pragma once

#include <string>
#include <string_view>

namespace sk::test {

// The absolute path of a file named from the repository's root: source_path("tests/cases/h1.json").
std::string source_path(std::string_view relative);

}  // namespace sk::test
