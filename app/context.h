// Context is one request as its handler sees it: what was asked, until when, and with which
// services.
//
// It lives as long as the handler runs, and so do all views it hands out (they are the request's).
// Everything a handler awaits through it ends at the request's deadline or when the client leaves.
#pragma once

#include "net/http/exchange.h"

#include "db/pg/client.h"
#include "db/redis/client.h"

#include "app/problem.h"
#include "app/router.h"
#include "app/services.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sk {
struct LogField;
}

namespace sk::app {

class Cache;

// Thrown by take() and by Context: what a service answered instead of a result. The runtime logs
// it and answers with problem_of().
class ServiceError : public std::exception {
 public:
  ServiceError(Error error, std::string message) : error_(error), message_(std::move(message)) {}
  explicit ServiceError(const pg::Error& error);
  explicit ServiceError(const redis::Error& error);

  [[nodiscard]] const Error& error() const { return error_; }
  [[nodiscard]] const char* what() const noexcept override { return message_.c_str(); }

 private:
  Error error_;
  std::string message_;
};

// The value of a result, or its error as an exception, for handlers that have no other plan:
//   auto found = co_await c.pg().opt<User>("select ... where id = $1", id);
//   std::optional<User> user = take(std::move(found));
template <typename T>
[[nodiscard]] T take(pg::Result<T>&& result) {
  if (!result) {
    throw ServiceError(result.error());
  }
  return std::move(*result);
}
template <typename T>
[[nodiscard]] T take(redis::Result<T>&& result) {
  if (!result) {
    throw ServiceError(result.error());
  }
  return std::move(*result);
}

// PostgreSQL within one request: pg::Executor with the request's scope filled in.
class RequestDatabase {
 public:
  RequestDatabase(pg::Executor& executor, CancelScope& scope)
      : executor_(executor), scope_(scope) {}

  // Awaitable; pg::Result<T>, pg::Result<std::optional<T>>, pg::Result<std::vector<T>>,
  // pg::Result<std::uint64_t>. See db/pg/executor.h.
  template <typename T, typename... Values>
  [[nodiscard]] auto one(std::string_view sql, const Values&... values) {
    return executor_.one<T>(scope_, sql, values...);
  }
  template <typename T, typename... Values>
  [[nodiscard]] auto opt(std::string_view sql, const Values&... values) {
    return executor_.opt<T>(scope_, sql, values...);
  }
  template <typename T, typename... Values>
  [[nodiscard]] auto many(std::string_view sql, const Values&... values) {
    return executor_.many<T>(scope_, sql, values...);
  }
  template <typename... Values>
  [[nodiscard]] auto exec(std::string_view sql, const Values&... values) {
    return executor_.exec(scope_, sql, values...);
  }

 private:
  pg::Executor& executor_;
  CancelScope& scope_;
};

// Redis within one request. See db/redis/client.h.
class RequestRedis {
 public:
  RequestRedis(redis::Client& client, CancelScope& scope) : client_(client), scope_(scope) {}

  [[nodiscard]] auto get(std::string_view key) { return client_.get(scope_, key); }
  [[nodiscard]] auto set(std::string_view key, std::string_view value,
                         std::chrono::milliseconds ttl) {
    return client_.set(scope_, key, value, ttl);
  }
  [[nodiscard]] auto del(std::string_view key) { return client_.del(scope_, key); }
  [[nodiscard]] auto incr(std::string_view key) { return client_.incr(scope_, key); }
  [[nodiscard]] auto command(std::span<const std::string_view> arguments) {
    return client_.command(scope_, arguments);
  }

 private:
  redis::Client& client_;
  CancelScope& scope_;
};

class Context {
 public:
  Context(Services& services, Exchange& exchange, const Router& router, const Match& match)
      : services_(services), exchange_(exchange), router_(router), match_(match) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // --- the request ---
  [[nodiscard]] const RequestHead& request() const { return exchange_.request; }
  [[nodiscard]] std::string_view path() const { return exchange_.request.path; }
  [[nodiscard]] std::string_view query() const { return exchange_.request.query; }
  [[nodiscard]] std::string_view header(HeaderId id) const { return request().fields.get(id); }
  [[nodiscard]] std::string_view header(std::string_view name) const {
    return request().fields.get(name);
  }
  // The address of the client as the balancer saw it.
  [[nodiscard]] std::string_view remote_address() const { return exchange_.remote.address; }
  [[nodiscard]] std::string_view request_id() const { return exchange_.id.view(); }
  // "/v1/items/:id"
  [[nodiscard]] std::string_view route_pattern() const { return exchange_.route_pattern; }
  // Raw parameters of the path in the order of the pattern, and their names.
  [[nodiscard]] const PathParams& path_params() const { return match_.params; }
  [[nodiscard]] std::string_view path_param_name(std::size_t index) const {
    return router_.param_names(match_.pattern_id)[index];
  }
  // The whole body, for routes whose handler takes Body<T> or RawBody; empty otherwise. With
  // padding behind it (JsonReader::kPaddingBytes).
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] Exchange& exchange() { return exchange_; }

  // --- time ---
  [[nodiscard]] CancelScope& scope() { return exchange_.scope(); }
  [[nodiscard]] Instant deadline() const { return exchange_.deadline(); }
  // Shortens the deadline to that long from now; never extends it.
  void deadline(Duration from_now);

  // --- services; a request that needs one which is not configured ends with 503 ---
  [[nodiscard]] RequestDatabase pg();
  [[nodiscard]] RequestRedis redis();
  [[nodiscard]] Cache& cache();
  [[nodiscard]] Services& services() { return services_; }

  // A log line with the request's id. Never put "statusCode" or "url" into fields: these belong to
  // the request's own two lines.
  void log_error(std::string_view message, std::string_view detail = {});

 private:
  friend class Runtime;

  Services& services_;
  Exchange& exchange_;
  const Router& router_;
  const Match& match_;
  std::string body_;
};

}  // namespace sk::app
