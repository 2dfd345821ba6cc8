// LogWriter owns the program's output: one thread that moves lines from the rings to a descriptor.
//
// Producers never wait for it and seldom wake it: it looks at the rings ten times a second, and at
// once when one is half full. A descriptor that blocks stalls only this thread. Lines leave whole
// and in the order of their ring; lines of different rings may be in any order. When lines had to
// be dropped, a line says how many as soon as there is room again.
#pragma once

#include "net/core/log_ring.h"

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sk {

// What every line of a process says about where it comes from.
struct LogIdentity {
  int pid = 0;
  std::string hostname;
  std::string name;  // the program's: "lb", "app"
};

// The running process: getpid(), gethostname().
LogIdentity this_process(std::string_view name);

class LogWriter {
 public:
  // fd stays the caller's and open; SIGPIPE must be ignored by the program.
  LogWriter(int fd, LogIdentity identity, std::size_t ring_bytes = kLogRingBytes);
  // Stops with a patience of one second.
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  // A ring for one producing thread; it lives as long as this writer. Any thread.
  LogRing& add_ring();

  void start();

  // Any thread: look at the rings now. One system call.
  void wake() noexcept;

  // Writes what was committed before the call and ends the thread. False if the descriptor blocked
  // for longer than `patience`: the thread is then left to the end of the process.
  bool stop(std::chrono::milliseconds patience);

  std::uint64_t dropped() const;
  const LogIdentity& identity() const;

 private:
  struct Shared;  // outlives the writer where the thread had to be left behind
  std::shared_ptr<Shared> shared_;
  std::thread thread_;
};

}  // namespace sk
