// Engine is what one loop needs to run an application: resolver, PostgreSQL, Redis, cache, runtime.
//
// Owned by serve_alone() and serve_as_worker(); used on the loop's thread. start() begins to
// connect; close() must be awaited, when no exchange runs any more, before destruction.
#pragma once

#include "net/core/log_line.h"
#include "net/io/loop.h"
#include "net/io/resolver.h"
#include "net/io/task.h"

#include "db/pg/client.h"
#include "db/redis/client.h"

#include "app/cache.h"
#include "app/config.h"
#include "app/routes.h"
#include "app/runtime.h"
#include "app/services.h"

#include <expected>
#include <memory>
#include <string>

namespace sk::app {

// The clients' own configurations from ours.
[[nodiscard]] pg::Config to_pg_config(const Config& config, std::string_view application_name);
[[nodiscard]] redis::Config to_redis_config(const Config& config, std::string_view client_name);

// Why a required service cannot even be tried; empty where it can.
struct Troubles {
  std::string database;
  std::string redis;
};

class Engine {
 public:
  // All references must outlive the engine. The error is one line that names the setting and the
  // fix. Trouble with a required service is none: start() logs it.
  static std::expected<std::unique_ptr<Engine>, std::string> create(Loop& loop,
                                                                    const Config& config,
                                                                    const Routes& routes, Role role,
                                                                    LogWriter& log_writer,
                                                                    std::string_view name);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  void start();
  [[nodiscard]] Task<void> close();

  [[nodiscard]] Runtime& runtime() { return runtime_; }
  [[nodiscard]] Log& log() { return log_; }

 private:
  Engine(Loop& loop, const Config& config, const Routes& routes, Role role, LogWriter& log_writer,
         std::unique_ptr<Resolver> resolver, std::unique_ptr<pg::Client> pg,
         std::unique_ptr<redis::Client> redis, Troubles troubles);
  void redis_changed(const redis::Health& health);

  const Troubles troubles_;
  Loop& loop_;
  Log log_;
  std::unique_ptr<Resolver> resolver_;
  std::unique_ptr<pg::Client> pg_;
  std::unique_ptr<redis::Client> redis_;
  Services services_;
  Cache cache_;
  Runtime runtime_;
  bool closing_ = false;
};

}  // namespace sk::app
