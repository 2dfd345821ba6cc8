// fault-app: an application that misbehaves on demand; system tests run it alone and behind the
// balancer.
//
//   GET  /hello                   "hello"
//   GET  /stream?bytes=N&fail=K   N bytes in pieces; fail=error|throw: fails after half of them,
//                                 fail=head: before the response began
//   GET  /slow?ms=N               answers after N milliseconds
//   GET  /throw                   an exception that nobody meant
//   GET  /cancelled               how many /slow requests were interrupted by their client
//   POST /echo                    the body, as JSON text
//   POST /count                   how many bytes came, read piece by piece
//   POST /ledger?key=K&ms=N       notes in PostgreSQL that it ran, answers after N ms
//   GET  /spin?ms=N               computes without a pause: blocks the loop
#include "app/app.h"

#include <stdexcept>
#include <string>

namespace fault_app {

using namespace sk;
using namespace sk::app;

struct StreamQuery {
  std::int64_t bytes = 0;
  std::optional<std::string> fail;
};
SK_FIELDS(StreamQuery, bytes, fail)

struct SlowQuery {
  std::int64_t ms = 0;
};
SK_FIELDS(SlowQuery, ms)

struct LedgerQuery {
  std::string key;
  std::optional<std::int64_t> ms;
};
SK_FIELDS(LedgerQuery, key, ms)

struct Count {
  std::uint64_t bytes = 0;
};
SK_FIELDS(Count, bytes)

std::int64_t cancelled = 0;

Task<Result<void>> write_bytes(ResponseStream& out, std::int64_t bytes, std::string failure) {
  static const std::string piece(8192, 'x');
  std::int64_t left = failure.empty() ? bytes : bytes / 2;
  while (left > 0) {
    const auto now = std::min<std::int64_t>(left, static_cast<std::int64_t>(piece.size()));
    const Result<void> written =
        co_await out.write(std::string_view(piece).substr(0, static_cast<std::size_t>(now)));
    if (!written) {
      co_return written;
    }
    left -= now;
  }
  if (failure == "throw") {
    throw std::runtime_error("the stream was told to throw");
  }
  if (!failure.empty()) {
    co_return fail(ErrorCode::internal, "the stream was told to fail");
  }
  co_return Result<void>();
}

Response stream_bytes(Query<StreamQuery> query) {
  const std::string failure = query->fail.value_or("");
  if (failure == "head") {
    throw std::runtime_error("told to fail before the head");
  }
  return stream("application/octet-stream", [bytes = query->bytes, failure](ResponseStream& out) {
    return write_bytes(out, bytes, failure);
  });
}

Task<Response> slow(Context& context, Query<SlowQuery> query) {
  Sleep pause(context.scope(),
              after(context.exchange().loop().now(), std::chrono::milliseconds(query->ms)));
  const Result<void> slept = co_await pause;
  if (!slept) {
    ++cancelled;
    throw ServiceError(slept.error(), "interrupted");
  }
  co_return text(200, "slow");
}

Task<Response> count_body(Context& context) {
  Count count;
  BodyReader& body = context.exchange().request_body();
  while (true) {
    const Result<Slice> piece = co_await body.read(context.scope());
    if (!piece) {
      throw ServiceError(piece.error(), "the body broke");
    }
    if (piece->empty()) {
      co_return json(count);
    }
    count.bytes += piece->size();
  }
}

Task<Response> ledger(Context& context, Query<LedgerQuery> query) {
  pg::Result<std::uint64_t> noted =
      co_await context.pg().exec("insert into ledger (key) values ($1)", query->key);
  static_cast<void>(take(std::move(noted)));
  if (query->ms) {
    Sleep pause(context.scope(),
                after(context.exchange().loop().now(), std::chrono::milliseconds(*query->ms)));
    static_cast<void>(co_await pause);
  }
  co_return text(201, "noted");
}

Response spin(Context& context, Query<SlowQuery> query) {
  Loop& loop = context.exchange().loop();
  const Instant until = after(loop.read_clock(), std::chrono::milliseconds(query->ms));
  while (loop.read_clock() < until) {
  }
  return text(200, "spun");
}

}  // namespace fault_app

int main(int argc, char** argv) {
  using namespace fault_app;
  App app("fault-app", "0");
  app.get("/hello", [] { return text(200, "hello"); });
  app.get("/stream", stream_bytes);
  app.get("/slow", slow);
  app.get("/throw", []() -> Response { throw std::runtime_error("nobody meant this"); });
  app.get("/cancelled", [] { return json(cancelled); });
  app.post("/echo", [](Body<RawJson> body) { return Response(200, kJsonType, body->text); });
  app.post("/count", count_body);
  app.post("/ledger", ledger);
  app.get("/spin", spin);
  app.migrations(
      {{.version = 1, .name = "ledger", .sql = "create table ledger (key text not null)"}});
  return app.main(argc, argv);
}
