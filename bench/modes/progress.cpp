#include "bench/modes/progress.h"

#include <unistd.h>

#include <cstdio>

namespace sk::bench {

ProgressLine::ProgressLine(std::string label)
    : label_(std::move(label)), terminal_(::isatty(STDERR_FILENO) == 1) {}

Duration ProgressLine::interval() const {
  return terminal_ ? Duration(std::chrono::milliseconds(500)) : Duration(std::chrono::seconds(10));
}

void ProgressLine::show(const Progress& progress) {
  const auto seconds = [](Duration duration) {
    return std::chrono::duration<double>(duration).count();
  };
  std::fprintf(stderr,
               "%s%s  %.0f of %.0f s  %llu sent, %llu outstanding, %llu failed, %zu connections%s",
               terminal_ ? "\r\033[K" : "", label_.c_str(), seconds(progress.elapsed),
               seconds(progress.total), static_cast<unsigned long long>(progress.sent),
               static_cast<unsigned long long>(progress.outstanding),
               static_cast<unsigned long long>(progress.failed), progress.connections,
               terminal_ ? "" : "\n");
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::finish() {
  if (terminal_ && shown_) {
    std::fputs("\r\033[K", stderr);
    std::fflush(stderr);
  }
}

}  // namespace sk::bench
