#include "net/http/upstream_stream.h"

namespace sk {

Task<Result<ResponseHead*>> UpstreamStream::head(CancelScope& scope, Instant until) {
  while (true) {
    const std::optional<Result<ResponseHead*>> now = try_head();
    if (now) {
      co_return *now;
    }
    const Result<void> waited = co_await head_event().wait(scope, until);
    if (!waited) {
      co_return fail(waited.error());
    }
  }
}

}  // namespace sk
