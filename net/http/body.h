// The two ends of one direction of a message body.
//
// A request body and a response body are independent directions. Each ends cleanly (with trailers)
// or is reset; both ends learn which. BodyReader is what a consumer holds, BodyWriter what a
// producer holds; h1, the link and later h2 implement both, and pump() joins any two.
//
// Neither blocks by itself: try_read() and write() act at once, the events say when trying again
// makes sense. One reader and one writer at a time, on one loop.
#pragma once

#include "net/core/buffer.h"
#include "net/core/result.h"
#include "net/http/fields.h"
#include "net/io/event.h"
#include "net/io/task.h"

#include <optional>

namespace sk {

class BodyReader {
 public:
  // Bytes (never empty), or an empty slice at the clean end (again on every later call), or the
  // error with which the direction was reset; nothing when it would have to wait.
  [[nodiscard]] virtual std::optional<Result<Slice>> try_read() = 0;
  [[nodiscard]] virtual Event& readable() = 0;
  // try_read(), after waiting for it.
  [[nodiscard]] Task<Result<Slice>> read(CancelScope& scope, Instant until = kNever);
  // Valid after the clean end; usually empty.
  [[nodiscard]] virtual const Fields& trailers() const = 0;
  // No more is wanted: what still comes is dropped, and the peer is told where the protocol can.
  virtual void stop() = 0;

 protected:
  ~BodyReader() = default;
};

class BodyWriter {
 public:
  // Takes the bytes; they leave soon. May be called while !writable(), which overruns the bound by
  // that slice: producers wait for writable() between slices. No effect after the end or a break.
  virtual void write(Slice bytes) = 0;
  // Room for more within the bounds of the protocol and the configuration; also true when broken.
  [[nodiscard]] virtual bool writable() const = 0;
  [[nodiscard]] virtual Event& writable_event() = 0;
  // Waits until writable(). Error: why the consumer is gone, or the scope's reason.
  [[nodiscard]] Task<Result<void>> wait_writable(CancelScope& scope, Instant until = kNever);
  // Why nothing written will arrive any more: the consumer stopped it (cancelled) or is gone.
  [[nodiscard]] virtual const std::optional<Error>& broken() const = 0;
  // Ends the direction cleanly. trailers may be empty.
  virtual void finish(const Fields& trailers) = 0;
  void finish();
  // Ends it uncleanly: the consumer sees a truncated message, never a complete-looking one.
  virtual void reset(ErrorCode reason) = 0;

 protected:
  ~BodyWriter() = default;
};

// Moves everything from `from` to `to`, trailers included, with the backpressure of both, and ends
// `to` as `from` ended. Where `to` breaks or the scope is cancelled, `from` is stopped, `to` reset.
// Error: what ended it uncleanly; origin is left as the failing side set it.
[[nodiscard]] Task<Result<void>> pump(BodyReader& from, BodyWriter& to, CancelScope& scope,
                                      Duration idle_timeout);

}  // namespace sk
