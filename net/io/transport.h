// Transport: the two byte streams under one connection, whatever protects them.
//
// SocketTransport is a plain TCP or Unix stream; net/tls/session puts TLS over another transport.
// Reading: one receive is kept armed from start() on, so that a peer that leaves is noticed while
// nobody reads; at most one buffer is read ahead, the peer's window does the rest. Writing: bytes
// are put into output() and leave at the end of the loop's turn, in one call; the owner bounds what
// it queues by looking at unsent(). A write without progress for the write-stall timeout breaks the
// transport.
//
// Owned by its connection, used on one loop. close() must be awaited before destruction.
#pragma once

#include "net/core/buffer.h"
#include "net/core/output_queue.h"
#include "net/core/result.h"
#include "net/io/event.h"
#include "net/io/task.h"

#include <cstdint>
#include <optional>
#include <string>

namespace sk {

class Transport {
 public:
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  // Begins to receive. Later calls do nothing: who serves a connection need not know whether a
  // handshake has begun it.
  virtual void start() = 0;

  // --- reading; one reader at a time ---
  // True when read() would not wait.
  [[nodiscard]] bool readable() const { return !input_.empty() || input_ended_ || broken_; }
  // The next bytes, empty at the end of the peer's stream (and again on every later call). Only
  // when readable(). What was read ahead is delivered before an error is.
  [[nodiscard]] Result<Slice> take();
  // Marked whenever readable() may have become true.
  [[nodiscard]] Event& input_event() { return input_event_; }
  // take(), after waiting for it.
  [[nodiscard]] Task<Result<Slice>> read(CancelScope& scope, Instant until = kNever);

  // --- writing ---
  // Where the next bytes go. After adding some, call flush().
  [[nodiscard]] OutputQueue& output() { return output_; }
  // Sends what output() holds at the end of the turn. Never waits, never resumes anybody.
  virtual void flush() = 0;
  // Bytes in output() and below that the kernel has not taken.
  [[nodiscard]] virtual std::size_t unsent() const = 0;
  // Marked whenever unsent() fell or the transport broke.
  [[nodiscard]] Event& output_event() { return output_event_; }
  // Waits until unsent() <= limit. Error: why the transport broke, or the scope's reason.
  [[nodiscard]] Task<Result<void>> drained(CancelScope& scope, std::size_t limit,
                                           Instant until = kNever);
  // Ends our direction once everything queued has been sent; reading goes on.
  virtual void shutdown_write() = 0;

  // --- both ---
  // Set when a receive or a send failed; nothing more will arrive or leave. The peer's clean end
  // of stream does not break a transport.
  [[nodiscard]] const std::optional<Error>& broken() const { return broken_; }
  // Called once, on the loop, when the transport breaks: the owner cancels what depends on it.
  void on_broken(void (*notify)(void*), void* context) {
    notify_broken_ = notify;
    notify_context_ = context;
  }

  // For a transport that lies on this one, in the place of the events: called on the loop after the
  // state has changed. The callee may take input and add output.
  enum class Activity : std::uint8_t { input, output, broken };
  void on_activity(void (*notify)(void*, Activity), void* context) {
    notify_activity_ = notify;
    activity_context_ = context;
  }

  // close() will break the connection instead of ending it in order, so that the peer cannot take
  // what it has for the whole. Nothing to do where an orderly end needs shutdown_write() (TLS).
  virtual void reset_on_close() {}

  // Drops what is unsent, waits until the kernel holds nothing of ours and closes. Idempotent.
  [[nodiscard]] virtual Task<void> close() = 0;

  [[nodiscard]] Loop& loop() const { return loop_; }

 protected:
  explicit Transport(Loop& loop);

  void deliver(Slice bytes);  // only when nothing is read ahead: see holds_input()
  void deliver_end();
  void break_with(const Error& error);
  void output_moved();  // unsent() fell
  [[nodiscard]] bool holds_input() const { return !input_.empty(); }
  // The reader has taken what was read ahead: receive again.
  virtual void input_taken() = 0;

  Loop& loop_;
  OutputQueue output_;
  Event input_event_;
  Event output_event_;

 private:
  void tell_activity(Activity what) {
    if (notify_activity_ != nullptr) {
      notify_activity_(activity_context_, what);
    }
  }

  Slice input_;
  bool input_ended_ = false;
  std::optional<Error> broken_;
  void (*notify_broken_)(void*) = nullptr;
  void* notify_context_ = nullptr;
  void (*notify_activity_)(void*, Activity) = nullptr;
  void* activity_context_ = nullptr;
};

}  // namespace sk
