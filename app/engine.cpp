#include "app/engine.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace sk::app {
namespace {

std::chrono::milliseconds to_ms(Duration duration) {
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(duration),
                  std::chrono::milliseconds(1));
}

// One line per change of a dependency: what it is now, why, and what that means.
template <typename Health>
void log_health(Log& log, std::string_view what, const Health& health) {
  const auto state = health.state;
  using State = std::remove_cvref_t<decltype(state)>;
  const bool good = state == State::ready;
  const std::string message = std::string(what) + (good ? " is connected" : " is away");
  log.event(good ? LogLevel::info : LogLevel::warn, message,
            {{"state", to_string(state)}, {"reason", health.reason}});
}

}  // namespace

pg::Config to_pg_config(const Config& config, std::string_view application_name) {
  pg::Config out;
  out.url = config.database.url;
  out.tls_ca_file = config.database.tls_ca;
  out.lanes = config.database.lanes;
  out.in_flight_max = config.database.in_flight_max;
  out.queue_max = config.database.queue_max;
  out.connect_timeout = to_ms(config.database.connect_timeout);
  out.statement_timeout = to_ms(config.database.statement_timeout);
  out.application_name = application_name;
  return out;
}

redis::Config to_redis_config(const Config& config, std::string_view client_name) {
  redis::Config out;
  out.url = config.redis.url;
  out.tls_ca_file = config.redis.tls_ca;
  out.connect_timeout = to_ms(config.redis.connect_timeout);
  out.command_timeout = to_ms(config.redis.command_timeout);
  out.client_name = client_name;
  return out;
}

std::expected<std::unique_ptr<Engine>, std::string> Engine::create(Loop& loop, const Config& config,
                                                                   const Routes& routes, Role role,
                                                                   LogWriter& log_writer,
                                                                   std::string_view name) {
  auto resolver = std::make_unique<Resolver>(loop);
  Troubles troubles{config.database.trouble, config.redis.trouble};
  std::unique_ptr<pg::Client> pg;
  if (config.database.enabled) {
    auto created = pg::Client::create(loop, *resolver, to_pg_config(config, name));
    if (created) {
      pg = std::move(*created);
    } else {
      troubles.database = "database.url (DATABASE_URL): " + created.error().message;
    }
  } else if (config.database.required && troubles.database.empty()) {
    troubles.database =
        "none is configured, and this service requires one: set DATABASE_URL, or PGHOST, PGUSER "
        "and PGPASSWORD";
  }
  std::unique_ptr<redis::Client> redis;
  if (config.redis.enabled) {
    auto created = redis::Client::create(loop, *resolver, to_redis_config(config, name));
    if (created) {
      redis = std::move(*created);
    } else {
      troubles.redis = "redis.url (REDIS_URL): " + created.error().message;
    }
  } else if (config.redis.required && troubles.redis.empty()) {
    troubles.redis = "none is configured, and this service requires one: set REDIS_URL";
  }
  // Where it is required, health tells of it, and the process stays; else it was a mistake.
  if (!troubles.database.empty() && !config.database.required) {
    return std::unexpected(troubles.database);
  }
  if (!troubles.redis.empty() && !config.redis.required) {
    return std::unexpected(troubles.redis);
  }
  return std::unique_ptr<Engine>(new Engine(loop, config, routes, role, log_writer,
                                            std::move(resolver), std::move(pg), std::move(redis),
                                            std::move(troubles)));
}

Engine::Engine(Loop& loop, const Config& config, const Routes& routes, Role role,
               LogWriter& log_writer, std::unique_ptr<Resolver> resolver,
               std::unique_ptr<pg::Client> pg, std::unique_ptr<redis::Client> redis,
               Troubles troubles)
    : troubles_(std::move(troubles)),
      loop_(loop),
      log_(log_writer),
      resolver_(std::move(resolver)),
      pg_(std::move(pg)),
      redis_(std::move(redis)),
      services_{.config = config,
                .loop = loop,
                .log = &log_,
                .pg = pg_.get(),
                .redis = redis_.get(),
                .cache = &cache_,
                .json_reader = {}},
      cache_(loop, redis_.get(), services_.json_reader, config.cache),
      runtime_(routes, services_, role) {}

void Engine::start() {
  const auto tell = [&](std::string_view what, const std::string& trouble) {
    if (!trouble.empty()) {
      log_.event(LogLevel::error, std::string(what) + " cannot be used", {{"reason", trouble}});
    }
  };
  tell("PostgreSQL", troubles_.database);
  tell("Redis", troubles_.redis);
  if (pg_) {
    pg_->start([this](const pg::Health& health) { log_health(log_, "PostgreSQL", health); });
  }
  if (redis_) {
    redis_->start([this](const redis::Health& health) { redis_changed(health); });
  }
}

void Engine::redis_changed(const redis::Health& health) {
  log_health(log_, "Redis", health);
  if (health.state == redis::State::ready && !closing_) {
    // Not from inside the client's own call: the cache sends commands at once.
    loop_.post([this] {
      if (!closing_) {
        cache_.redis_is_back();
      }
    });
  }
}

Task<void> Engine::close() {
  closing_ = true;
  co_await cache_.close();
  if (redis_) {
    co_await redis_->close();
  }
  if (pg_) {
    co_await pg_->close();
  }
  co_await resolver_->close();
}

}  // namespace sk::app
