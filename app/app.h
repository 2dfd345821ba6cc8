// App: an application on Sidekick's runtime. This header is all that an application includes.
//
//   #include "app/app.h"
//   using namespace sk::app;
//
//   struct Greeting { std::string text; };
//   SK_FIELDS(Greeting, text)
//
//   int main(int argc, char** argv) {
//     App app("hello", "1.0");
//     app.get("/hello/:name", [](Path<std::string> name) { return Greeting{"Hello, " + *name}; });
//     return app.main(argc, argv);
//   }
//
// main() reads the command line, the configuration and the environment (command_line.h, config.h)
// and serves: alone on --listen (default 0.0.0.0:7500), or as a worker where sidekick-lb started
// the process. Handlers say with their parameters what they need (extract.h); the request, its
// deadline, PostgreSQL, Redis and the cache are in Context (context.h). What a handler returns or
// throws is explained in response.h and problem.h.
//
// A coroutine handler returns Task<Response>:
//
//   app.get("/users/:id", [](Context& c, Path<std::int64_t> id) -> Task<Response> {
//     auto found = co_await c.pg().opt<User>("select id, name from users where id = $1", *id);
//     std::optional<User> user = take(std::move(found));     // no database: 503 and Retry-After
//     co_return user ? json(*user) : problem(404, "There is no such user.");
//   });
#pragma once

#include "app/cache.h"
#include "app/context.h"
#include "app/extract.h"
#include "app/migrations.h"
#include "app/problem.h"
#include "app/response.h"
#include "app/response_stream.h"
#include "app/routes.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sk::app {

class App {
 public:
  // name and version are what --version, logs and database sessions say.
  App(std::string name, std::string version)
      : name_(std::move(name)), version_(std::move(version)) {}

  // Register a handler. Mistakes in patterns are reported by main(), all at once.
  template <typename F>
  void get(std::string_view pattern, F&& handler) {
    routes_.add(Method::get, pattern, std::forward<F>(handler));
  }
  template <typename F>
  void post(std::string_view pattern, F&& handler) {
    routes_.add(Method::post, pattern, std::forward<F>(handler));
  }
  template <typename F>
  void put(std::string_view pattern, F&& handler) {
    routes_.add(Method::put, pattern, std::forward<F>(handler));
  }
  template <typename F>
  void patch(std::string_view pattern, F&& handler) {
    routes_.add(Method::patch, pattern, std::forward<F>(handler));
  }
  template <typename F>
  void del(std::string_view pattern, F&& handler) {
    routes_.add(Method::delete_, pattern, std::forward<F>(handler));
  }
  template <typename F>
  void route(Method method, std::string_view pattern, F&& handler) {
    routes_.add(method, pattern, std::forward<F>(handler));
  }

  // What the command `migrate` runs, in ascending order of version. Texts must be static.
  void migrations(std::vector<Migration> migrations) { migrations_ = std::move(migrations); }

  [[nodiscard]] const Routes& routes() const { return routes_; }

  // Runs the program; returns its exit code: 0 after a graceful stop, 1 where nothing can be
  // served, 2 for mistakes in command line or configuration.
  [[nodiscard]] int main(int argc, const char* const* argv);

 private:
  std::string name_;
  std::string version_;
  Routes routes_;
  std::vector<Migration> migrations_;
};

}  // namespace sk::app
