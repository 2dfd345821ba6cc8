// load-app: an application whose answers say who gave them to whom, so that a ledger can be kept.
//
// clang-format off
//   GET  /who/:nonce                {"nonce", "pid"}
//   GET  /rows/:nonce               {"nonce", "pid", "rows"}: how often the nonce stands in PostgreSQL
//   POST /rows/:nonce?ms=N          notes (nonce, pid) in PostgreSQL, answers after N ms
//   GET  /cached/:nonce             {"nonce", "pid", "value"}: through Redis
//   POST /hold?ms=N                 reads its body only after N ms; how many bytes there were
//   POST /early                     answers without having read its body
//   GET  /sized?bytes=N&sent=M      declares N bytes, sends M of them, then fails unless M == N
//   GET  /hints                     103, then 200 with a trailer
//   GET  /headers                   the header fields as the handler sees them, one per line
//   GET  /tunnel                    upgrade to WebSocket; then every byte comes back
//   GET  /pause?ms=N                sleeps in the handler
//   GET  /busy?ms=N                 computes for so long without giving the loop back, then asks PostgreSQL
//   GET  /sql?ms=N&deadline=M       a statement that takes so long; the handler's own deadline, if any
//   GET  /sql-twice?ms=N            two of them at the same time
//   GET  /trickle?ms=N              three pieces, with half of that time before the second and the third
//   POST /exit                      ends the process at once
// clang-format on
#include "app/app.h"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace load_app {

using namespace sk;
using namespace sk::app;

struct Answer {
  std::string nonce;
  std::int64_t pid = ::getpid();
};
SK_FIELDS(Answer, nonce, pid)

struct RowsAnswer {
  std::string nonce;
  std::int64_t pid = ::getpid();
  std::int64_t rows = 0;
};
SK_FIELDS(RowsAnswer, nonce, pid, rows)

struct CachedAnswer {
  std::string nonce;
  std::int64_t pid = ::getpid();
  std::string value;
};
SK_FIELDS(CachedAnswer, nonce, pid, value)

struct PauseQuery {
  std::optional<std::int64_t> ms;
};
SK_FIELDS(PauseQuery, ms)

struct SqlQuery {
  std::int64_t ms = 0;
  std::optional<std::int64_t> deadline;
};
SK_FIELDS(SqlQuery, ms, deadline)

struct SizedQuery {
  std::int64_t bytes = 0;
  std::int64_t sent = 0;
};
SK_FIELDS(SizedQuery, bytes, sent)

struct Counted {
  std::uint64_t bytes = 0;
};
SK_FIELDS(Counted, bytes)

struct RowCount {
  std::int64_t rows = 0;
};
SK_FIELDS(RowCount, rows)

Task<void> pause(Context& context, std::optional<std::int64_t> ms) {
  if (ms) {
    Sleep sleep(context.scope(),
                after(context.exchange().loop().now(), std::chrono::milliseconds(*ms)));
    static_cast<void>(co_await sleep);
  }
}

Answer who(Path<std::string> nonce) { return {.nonce = *nonce}; }

Task<Response> read_rows(Context& context, Path<std::string> nonce) {
  auto found = co_await context.pg().one<RowCount>(
      "select count(*) as rows from ledger_rows where nonce = $1", *nonce);
  const RowCount count = take(std::move(found));
  co_return json(RowsAnswer{.nonce = *nonce, .rows = count.rows});
}

Task<Response> add_row(Context& context, Path<std::string> nonce, Query<PauseQuery> query) {
  const Answer answer{.nonce = *nonce};
  auto noted = co_await context.pg().exec("insert into ledger_rows (nonce, pid) values ($1, $2)",
                                          answer.nonce, answer.pid);
  static_cast<void>(take(std::move(noted)));
  Task<void> waiting = pause(context, query->ms);
  co_await waiting;
  co_return json(201, answer);
}

Task<Response> cached(Context& context, Path<std::string> nonce) {
  CachedAnswer answer{.nonce = *nonce, .value = {}};
  const std::string key = "load-app:" + *nonce;
  auto stored = co_await context.redis().set(key, "value of " + *nonce, std::chrono::seconds(60));
  static_cast<void>(take(std::move(stored)));
  auto found = co_await context.redis().get(key);
  const auto value = take(std::move(found));
  answer.value = value ? *value : "";
  co_return json(answer);
}

Task<Response> hold(Context& context, Query<PauseQuery> query) {
  Task<void> waiting = pause(context, query->ms);
  co_await waiting;
  Counted counted;
  while (true) {
    const Result<Slice> piece = co_await context.exchange().request_body().read(context.scope());
    if (!piece) {
      throw ServiceError(piece.error(), "the body broke");
    }
    if (piece->empty()) {
      co_return json(counted);
    }
    counted.bytes += piece->size();
  }
}

Task<Response> pause_only(Context& context, Query<PauseQuery> query) {
  Task<void> waiting = pause(context, query->ms);
  co_await waiting;
  co_return text(200, "awake");
}

// pg_sleep returns void, which no C++ type reads: its text does.
constexpr std::string_view kSleep = "select pg_sleep($1)::text as slept";

struct Slept {
  std::string slept;
};
SK_FIELDS(Slept, slept)

Task<void> sleep_in_database(Context& context, std::int64_t ms) {
  auto slept = co_await context.pg().one<Slept>(kSleep, static_cast<double>(ms) / 1000.0);
  static_cast<void>(take(std::move(slept)));
}

Task<Response> busy(Context& context, Query<PauseQuery> query) {
  Loop& loop = context.exchange().loop();
  const Instant until = after(loop.read_clock(), std::chrono::milliseconds(query->ms.value_or(0)));
  while (loop.read_clock() < until) {
  }
  Task<void> asking = sleep_in_database(context, 0);
  co_await asking;
  co_return text(200, "done");
}

Task<Response> sql(Context& context, Query<SqlQuery> query) {
  if (query->deadline) {
    context.deadline(std::chrono::milliseconds(*query->deadline));
  }
  Task<void> asking = sleep_in_database(context, query->ms);
  co_await asking;
  co_return text(200, "slept");
}

Task<void> sleep_quietly(Context& context, std::int64_t ms) {
  auto slept = co_await context.pg().one<Slept>(kSleep, static_cast<double>(ms) / 1000.0);
  static_cast<void>(slept);
}

Task<Response> sql_twice(Context& context, Query<SqlQuery> query) {
  context.exchange().tasks().spawn(sleep_quietly(context, query->ms));
  context.exchange().tasks().spawn(sleep_quietly(context, query->ms));
  co_await context.exchange().tasks().join();
  co_return text(200, "slept");
}

Task<Result<void>> send_drops(ResponseStream& out, Exchange& exchange, Duration between) {
  Result<void> written = co_await out.write("drop");
  for (int piece = 0; piece < 2 && written; ++piece) {
    Sleep sleep(exchange.scope(), after(exchange.loop().now(), between));
    static_cast<void>(co_await sleep);
    written = co_await out.write("drop");
  }
  co_return written;
}

Response trickle(Context& context, Query<PauseQuery> query) {
  const Duration half = std::chrono::milliseconds(query->ms.value_or(0)) / 2;
  Exchange& exchange = context.exchange();
  return stream("text/plain",
                [&exchange, half](ResponseStream& out) { return send_drops(out, exchange, half); });
}

Task<Response> sized(Context& context, Query<SizedQuery> query) {
  static const std::string piece(8192, 's');
  Exchange& exchange = context.exchange();
  ResponseHead head;
  head.status = 200;
  head.content_length = static_cast<std::uint64_t>(query->bytes);
  static_cast<void>(exchange.respond(head, true));
  ResponseStream out(exchange);
  for (std::int64_t left = query->sent; left > 0;) {
    const auto now = std::min<std::int64_t>(left, static_cast<std::int64_t>(piece.size()));
    const Result<void> written =
        co_await out.write(std::string_view(piece).substr(0, static_cast<std::size_t>(now)));
    if (!written) {
      break;
    }
    left -= now;
  }
  if (query->sent == query->bytes) {
    exchange.response_body().finish();
  } else {
    exchange.response_body().reset(ErrorCode::internal);
  }
  co_return Response(200);  // the answer was given above
}

Task<Response> hints(Context& context) {
  Exchange& exchange = context.exchange();
  ResponseHead early;
  early.status = 103;
  early.fields.add("link", "</style.css>; rel=preload");
  exchange.inform(early);
  ResponseHead head;
  head.status = 200;
  static_cast<void>(exchange.respond(head, true));
  ResponseStream out(exchange);
  static_cast<void>(co_await out.write("hinted"));
  Fields trailers;
  trailers.add("x-checksum", "abc");
  exchange.response_body().finish(trailers);
  co_return Response(200);
}

Response headers(Context& context) {
  std::string lines;
  for (const HeaderField& field : context.request().fields.all()) {
    lines.append(field.name()).append(": ").append(field.value()).append("\n");
  }
  return text(200, lines);
}

Task<Response> tunnel(Context& context) {
  Exchange& exchange = context.exchange();
  if (!exchange.request.websocket) {
    co_return problem(426, "Only for WebSocket.");
  }
  exchange.set_deadline(kNever);
  ResponseHead head;
  head.status = 101;
  head.fields.add("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  const Result<void> upgraded = exchange.upgrade(head);
  if (upgraded) {
    Task<Result<void>> echo = pump(exchange.request_body(), exchange.response_body(),
                                   exchange.scope(), std::chrono::seconds(60));
    static_cast<void>(co_await echo);
  }
  co_return Response(500);
}

[[noreturn]] Response leave() { std::_Exit(3); }

}  // namespace load_app

int main(int argc, char** argv) {
  using namespace load_app;
  App app("load-app", "0");
  app.get("/who/:nonce", who);
  app.get("/rows/:nonce", read_rows);
  app.post("/rows/:nonce", add_row);
  app.get("/cached/:nonce", cached);
  app.post("/hold", hold);
  app.post("/early", [] { return text(200, "early"); });
  app.get("/pause", pause_only);
  app.get("/busy", busy);
  app.get("/sql", sql);
  app.get("/sql-twice", sql_twice);
  app.get("/trickle", trickle);
  app.get("/sized", sized);
  app.get("/hints", hints);
  app.get("/headers", headers);
  app.get("/tunnel", tunnel);
  app.post("/exit", leave);
  app.migrations({{.version = 1,
                   .name = "ledger rows",
                   .sql = "create table ledger_rows (nonce text not null, pid bigint not null)"}});
  return app.main(argc, argv);
}
