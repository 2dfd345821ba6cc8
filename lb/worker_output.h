// WorkerOutput: what a worker writes to its stdout or stderr, as lines of our log.
//
// A line that is a JSON object passes as it is; any other becomes the msg of a line of ours that
// says which worker wrote it, and where. Lines beyond kLogLineBytesMax are cut into several. The
// pipe is read as it comes, so a worker is never held up by us; what the log cannot take is counted
// there.
#pragma once

#include "net/core/log_line.h"
#include "net/io/cancel.h"
#include "net/io/task.h"

#include <string>
#include <string_view>

namespace sk::lb {

class WorkerOutput {
 public:
  // name: "app worker 1"; stream: "stdout" or "stderr"; static or outliving this.
  WorkerOutput(Log& log, std::string name, std::string_view stream);

  // Reads until the worker has closed its end or the scope is cancelled, then closes fd
  // (non-blocking).
  Task<void> forward(CancelScope& scope, int fd);

 private:
  void take(std::string_view bytes);
  void line(std::string_view text);

  Log& log_;
  const std::string name_;
  const std::string_view stream_;
  std::string partial_;
};

}  // namespace sk::lb
