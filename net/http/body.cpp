#include "net/http/body.h"

#include "net/io/loop.h"
#include "net/io/stage_wait.h"

namespace sk {

Task<Result<Slice>> BodyReader::read(CancelScope& scope, Instant until) {
  while (true) {
    std::optional<Result<Slice>> now = try_read();
    if (now) {
      co_return std::move(*now);
    }
    const StageWait stage(scope, Stage::read);
    const Result<void> waited = co_await readable().wait(scope, until);
    if (!waited) {
      co_return fail(waited.error());
    }
  }
}

Task<Result<void>> BodyWriter::wait_writable(CancelScope& scope, Instant until) {
  while (true) {
    if (broken()) {
      co_return fail(*broken());
    }
    if (writable()) {
      co_return Result<void>();
    }
    const StageWait stage(scope, Stage::write);
    const Result<void> waited = co_await writable_event().wait(scope, until);
    if (!waited) {
      co_return fail(waited.error());
    }
  }
}

void BodyWriter::finish() {
  const Fields none;
  finish(none);
}

Task<Result<void>> pump(BodyReader& from, BodyWriter& to, CancelScope& scope,
                        Duration idle_timeout) {
  Loop& loop = scope.loop();
  while (true) {
    std::optional<Result<Slice>> bytes = from.try_read();
    while (!bytes) {
      const Result<void> waited =
          co_await from.readable().wait(scope, after(loop.now(), idle_timeout));
      if (!waited) {
        from.stop();
        to.reset(waited.error().code);
        co_return fail(waited.error());
      }
      bytes = from.try_read();
    }
    if (!bytes->has_value()) {
      to.reset(bytes->error().code);
      co_return fail(bytes->error());
    }
    if ((*bytes)->empty()) {
      to.finish(from.trailers());
      co_return Result<void>();
    }
    to.write(std::move(**bytes));
    if (!to.writable() || to.broken()) {
      const Result<void> room = co_await to.wait_writable(scope, after(loop.now(), idle_timeout));
      if (!room) {
        from.stop();
        to.reset(room.error().code);
        co_return fail(room.error());
      }
    }
  }
}

}  // namespace sk
