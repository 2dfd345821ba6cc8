#include "lb/worker_output.h"

#include "net/io/loop.h"
#include "net/io/operation.h"

#include "lb/json_line.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace sk::lb {
namespace {

// A line that is wrapped grows by escapes and by what we put before it.
constexpr std::size_t kWrappedBytesMax = 2000;

}  // namespace

WorkerOutput::WorkerOutput(Log& log, std::string name, std::string_view stream)
    : log_(log), name_(std::move(name)), stream_(stream) {}

Task<void> WorkerOutput::forward(CancelScope& scope, int fd) {
  std::array<char, 16'384> room;
  while (true) {
    const Result<short> ready = co_await Poll(scope, fd, POLLIN);
    if (!ready) {
      break;
    }
    // One read per turn: a worker that writes without end does not keep the loop to itself.
    const ssize_t count = ::read(fd, room.data(), room.size());
    if (count > 0) {
      take({room.data(), static_cast<std::size_t>(count)});
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  if (!partial_.empty()) {
    line(std::exchange(partial_, {}));
  }
  scope.loop().close(fd);
}

void WorkerOutput::take(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    const bool whole = newline != std::string_view::npos;
    partial_.append(bytes.substr(0, newline));
    bytes = whole ? bytes.substr(newline + 1) : std::string_view();
    if (whole || partial_.size() >= kLogLineBytesMax) {
      line(std::exchange(partial_, {}));
    }
  }
}

void WorkerOutput::line(std::string_view text) {
  if (text.ends_with('\r')) {
    text.remove_suffix(1);
  }
  if (text.empty()) {
    return;
  }
  if (text.size() < kLogLineBytesMax && is_json_object(text)) {
    log_.forward(text);
    return;
  }
  for (; !text.empty(); text.remove_prefix(std::min(text.size(), kWrappedBytesMax))) {
    log_.event(stream_ == "stderr" ? LogLevel::warn : LogLevel::info,
               text.substr(0, kWrappedBytesMax), {{"worker", name_}, {"stream", stream_}});
  }
}

}  // namespace sk::lb
