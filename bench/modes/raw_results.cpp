#include "bench/modes/raw_results.h"

#include "bench/report/server_timing.h"

#include <algorithm>
#include <array>
#include <cerrno>

namespace sk::bench {
namespace {

constexpr std::size_t kBufferedBytes = 1U << 20;  // so that the disk is rarely met during a run
constexpr std::size_t kStagesOfRequestMax = 24;
constexpr std::size_t kStagesMaxInFile = 256;

std::uint64_t not_negative(Duration duration) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
}

}  // namespace

Result<std::unique_ptr<RawResults>> RawResults::create(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) {
    return fail(error_from_errno(errno, "open", ErrorOrigin::config));
  }
  return std::unique_ptr<RawResults>(new RawResults(file));
}

RawResults::RawResults(std::FILE* file) : file_(file) {
  std::setvbuf(file_, nullptr, _IOFBF, kBufferedBytes);
  std::fwrite("SKBENCH1", 1, 8, file_);
}

RawResults::~RawResults() {
  if (file_ != nullptr) {
    std::fclose(file_);
  }
}

bool RawResults::finish() {
  const bool good = std::ferror(file_) == 0;
  const bool closed = std::fclose(file_) == 0;
  file_ = nullptr;
  return good && closed;
}

void RawResults::put(char kind) { record_.push_back(kind); }

void RawResults::put(std::uint64_t number) {
  while (number >= 0x80) {
    record_.push_back(static_cast<char>((number & 0x7f) | 0x80));
    number >>= 7;
  }
  record_.push_back(static_cast<char>(number));
}

void RawResults::put(std::string_view text) {
  put(std::uint64_t{text.size()});
  record_.append(text);
}

void RawResults::add_route(std::uint32_t index, std::string_view name, std::string_view method,
                           std::string_view path) {
  record_.clear();
  put('R');
  put(std::uint64_t{index});
  put(name);
  put(method);
  put(path);
  std::fwrite(record_.data(), 1, record_.size(), file_);
}

void RawResults::begin_run(std::uint32_t run) {
  record_.clear();
  put('B');
  put(std::uint64_t{run});
  std::fwrite(record_.data(), 1, record_.size(), file_);
}

std::uint32_t RawResults::stage_index(std::string_view name) {
  const auto found = std::ranges::find(stages_, name);
  if (found == stages_.end()) {
    if (stages_.size() >= kStagesMaxInFile) {
      return static_cast<std::uint32_t>(stages_.size() - 1);  // a server that invents names
    }
    put('S');
    put(std::uint64_t{stages_.size()});
    put(name);
    stages_.emplace_back(name);
    return static_cast<std::uint32_t>(stages_.size() - 1);
  }
  return static_cast<std::uint32_t>(found - stages_.begin());
}

void RawResults::write(std::uint32_t route, const RequestEnding& ending, Duration lag) {
  record_.clear();
  std::array<TimedStage, kStagesOfRequestMax> told;
  const std::size_t count = read_server_timing(ending.server_timing, told);
  std::array<std::uint32_t, kStagesOfRequestMax> indices{};
  for (std::size_t i = 0; i < count; ++i) {
    indices[i] = stage_index(told[i].name);
  }
  put('Q');
  put(std::uint64_t{route});
  put(not_negative(ending.intended));
  put(not_negative(ending.latency));
  put(not_negative(lag));
  put(std::uint64_t{ending.status});
  put(ending.failure ? std::uint64_t{1} + index_of(*ending.failure) : std::uint64_t{0});
  put(std::uint64_t{count});
  for (std::size_t i = 0; i < count; ++i) {
    put(std::uint64_t{indices[i]});
    put(not_negative(told[i].duration));
  }
  std::fwrite(record_.data(), 1, record_.size(), file_);
}

}  // namespace sk::bench
