// Runs one fuzz target over files and folders: every input that ever broke it stays a test.
//
//   h1_parser_fuzz tests/fuzz/corpus/h1_parser [file...]
//
// Also runs the empty input and every prefix of each file up to 4 KiB, as a connection may end
// anywhere. Prints "N inputs"; a finding ends the process (assertion or sanitizer) after its file
// has been named.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t kPrefixesMax = 4096;

std::vector<std::filesystem::path> inputs_in(const std::filesystem::path& place) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(place)) {
    files.push_back(place);
    return files;
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(place)) {
    if (entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

void run_with_prefixes(const std::vector<std::uint8_t>& bytes) {
  for (std::size_t length = 0; length < std::min(bytes.size(), kPrefixesMax); ++length) {
    // A copy of exactly this length, so that a sanitizer sees a read past its end.
    const std::vector<std::uint8_t> prefix(bytes.begin(),
                                           bytes.begin() + static_cast<std::ptrdiff_t>(length));
    LLVMFuzzerTestOneInput(prefix.data(), prefix.size());
  }
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

int replay(int count, char** arguments) {
  std::size_t inputs = 0;
  for (int i = 1; i < count; ++i) {
    for (const std::filesystem::path& file : inputs_in(arguments[i])) {
      std::ifstream stream(file, std::ios::binary);
      if (!stream) {
        std::fprintf(stderr, "cannot read %s\n", file.c_str());
        return 1;
      }
      std::fprintf(stderr, "input %s\n", file.c_str());
      run_with_prefixes({std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()});
      ++inputs;
    }
  }
  if (inputs == 0) {
    std::fprintf(stderr, "no inputs: name files or folders, such as tests/fuzz/corpus/<name>\n");
    return 1;
  }
  std::printf("%zu inputs\n", inputs);
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return replay(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
