// Variables that override the file, because containers get their addresses and secrets this way:
//
//   DATABASE_URL            database.url       postgres://…
//   PGHOST, PGDATABASE, …   a database without url: libpq reads its own variables
//   REDIS_URL               redis.url          redis://…
//   SIDEKICK_IO             io                 auto | uring | epoll
//   SIDEKICK_LISTEN         listen             host:port (PORT=7500 alone means 0.0.0.0:7500)
//   SIDEKICK_STOP_TIMEOUT   stop_timeout       "30s", or a bare number of seconds
//   SIDEKICK_LOG_REQUESTS   log.requests       both | completed | errors | off
#include "app/config_setting.h"

namespace sk::app {
namespace {

struct Variable {
  const char* variable;
  const char* setting;
};

constexpr Variable kVariables[] = {
    {"DATABASE_URL", "database.url"},
    {"REDIS_URL", "redis.url"},
    {"SIDEKICK_IO", "io"},
    {"SIDEKICK_LISTEN", "listen"},
    {"SIDEKICK_STOP_TIMEOUT", "stop_timeout"},
    {"SIDEKICK_LOG_REQUESTS", "log.requests"},
};

// The variables that say where libpq's database is; any of them means that there is one.
constexpr const char* kPgVariables[] = {"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"};

std::string value_of(const Environment& environment, const char* name) {
  const char* value = environment(name);
  return value != nullptr ? value : "";
}

}  // namespace

void apply_environment(Config& config, const Environment& environment,
                       std::vector<ConfigMessage>& mistakes) {
  const std::string port = value_of(environment, "PORT");
  if (!port.empty()) {
    apply_setting(config, {"listen", "0.0.0.0:" + port, 0, 0}, "environment PORT", mistakes);
  }
  for (const Variable& known : kVariables) {
    std::string value = value_of(environment, known.variable);
    if (value.empty()) {
      continue;  // set but empty means the same as not set: how shells and compose files clear one
    }
    if (std::string_view(known.setting) == "stop_timeout" &&
        value.find_first_not_of("0123456789") == std::string::npos) {
      value += 's';
    }
    apply_setting(config, {known.setting, std::move(value), 0, 0},
                  std::string("environment ") + known.variable, mistakes);
  }
  for (const char* name : kPgVariables) {
    if (!value_of(environment, name).empty()) {
      config.database.enabled = true;
    }
  }
}

}  // namespace sk::app
