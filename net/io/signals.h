// Signals arrive on a loop like everything else.
//
// block_signals() runs in main() before any thread starts: the threads inherit the mask, so that a
// signal interrupts nobody and waits for the SignalSource. What the mask and the ignored SIGPIPE do
// to programs that are started from here is undone by reset_signals_for_exec().
#pragma once

#include "net/io/cancel.h"
#include "net/io/task.h"
#include "net/io/task_group.h"

#include <functional>
#include <initializer_list>

namespace sk {

// Blocks these signals in the calling thread and in all that it starts later; ignores SIGPIPE.
void block_signals(std::initializer_list<int> signals);

// In the child between fork() and exec(): every signal unblocked and at its default. Async-signal-
// safe.
void reset_signals_for_exec() noexcept;

class SignalSource {
 public:
  // Runs on the loop, once per signal; several of one kind that come close together may be one.
  // sender: the pid that sent it, 0 for the kernel.
  using OnSignal = std::move_only_function<void(int signal, int sender)>;

  // The signals must have been blocked. Throws std::system_error if no descriptor is left.
  SignalSource(Loop& loop, std::initializer_list<int> signals, OnSignal on_signal);
  ~SignalSource();
  SignalSource(const SignalSource&) = delete;
  SignalSource& operator=(const SignalSource&) = delete;

  void start();
  // Must be awaited before destruction. Idempotent.
  [[nodiscard]] Task<void> stop();

 private:
  Task<void> watch();
  void read_all();

  Loop& loop_;
  OnSignal on_signal_;
  int fd_;
  CancelScope scope_;
  TaskGroup watcher_;
};

}  // namespace sk
