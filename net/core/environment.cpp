#include "net/core/environment.h"

#include "net/core/json_text.h"
#include "net/core/nearest_name.h"
#include "net/core/units.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace sk {
namespace {

constexpr std::string_view kPrefix = "SIDEKICK_";

constexpr std::int64_t kSecondMs = 1000;
constexpr std::int64_t kHourMs = 3600 * kSecondMs;
constexpr std::int64_t kDayMs = 24 * kHourMs;
constexpr std::int64_t kKiB = 1024;
constexpr std::int64_t kMiB = 1024 * kKiB;
constexpr std::int64_t kGiB = 1024 * kMiB;

using Kind = VariableKind;

constexpr EnvironmentVariable kVariables[] = {
    // Where and how it runs.
    {"SIDEKICK_LISTEN", Kind::text, 0, 0, "an address such as 0.0.0.0:7500", "listener.address",
     "listen", "of the only listener"},
    {"SIDEKICK_ADMIN", Kind::text, 0, 0, "an address such as 127.0.0.1:9900", "admin.address", "",
     ""},
    {"SIDEKICK_TRUSTED_PROXIES", Kind::text, 0, 0, "networks such as 10.0.0.0/16,fd00::/8",
     "listener.trusted_proxies", "", "of every listener"},
    {"SIDEKICK_IO", Kind::choice, 0, 0, "auto|uring|epoll", "server.io", "io", ""},
    {"SIDEKICK_THREADS", Kind::count, 0, 256, "", "server.threads", "", "0: as the cores allow"},
    {"SIDEKICK_WORKERS", Kind::count, 0, 256, "", "upstream.workers.count", "",
     "of upstreams that leave it at 0; 0: one per core"},
    {"SIDEKICK_LOG_REQUESTS", Kind::choice, 0, 0, "both|completed|errors|off", "log.requests",
     "log.requests", ""},
    {"SIDEKICK_TIMING_SECRET", Kind::secret, 0, 0, "16 to 256 visible ASCII characters",
     "server.timing_secret", "", "who brings it in Sidekick-Timing gets Server-Timing"},
    // How long.
    {"SIDEKICK_STOP_TIMEOUT", Kind::duration, 2 * kSecondMs, kDayMs, "", "server.stop_timeout",
     "stop_timeout", "what the platform grants between SIGTERM and SIGKILL"},
    {"SIDEKICK_DRAIN_TIMEOUT", Kind::duration, kSecondMs, kDayMs, "", "server.drain_timeout", "",
     "from SIGTERM to the end by itself"},
    {"SIDEKICK_KEEPALIVE_IDLE", Kind::duration, 100, kDayMs, "", "listener.limits.idle_timeout",
     "idle_timeout", "of every listener"},
    {"SIDEKICK_HEADER_TIMEOUT", Kind::duration, 100, kHourMs / 6, "",
     "listener.limits.header_timeout", "", "of every listener"},
    {"SIDEKICK_REQUEST_DEADLINE", Kind::duration, 1, kDayMs, "", "route.total_timeout",
     "request_deadline", "of routes that allow more"},
    // How much.
    {"SIDEKICK_CONNECTIONS_MAX", Kind::count, 1, 1'000'000, "", "server.connections_max",
     "connections_max", ""},
    {"SIDEKICK_BUFFERS", Kind::count, 64, 32'768, "", "server.buffers", "buffers",
     "of 16 KiB, per thread and worker"},
    {"SIDEKICK_IN_FLIGHT_MAX", Kind::count, 1, 1'000'000, "", "upstream.in_flight_max", "",
     "of every upstream"},
    {"SIDEKICK_BODIES_MAX", Kind::size, kMiB, 64 * kGiB, "", "", "bodies_max",
     "per worker, of all requests at once"},
    {"SIDEKICK_BODY_LIMIT", Kind::size, 0, 256 * kMiB, "", "route.body_limit", "body_limit",
     "of every route"},
    // What the application needs.
    {"SIDEKICK_REQUIRE", Kind::text, 0, 0, "database, redis, both with a comma between, or none",
     "", "database.required, redis.required", ""},
    {"DATABASE_URL", Kind::secret, 0, 0, "postgres://user:password@host:5432/database", "",
     "database.url", ""},
    {"DATABASE_URL_FILE", Kind::text, 0, 0, "a file that holds DATABASE_URL", "", "database.url",
     ""},
    {"PGHOST", Kind::text, 0, 0, "a host; and PGPORT, PGDATABASE, PGUSER as libpq reads them", "",
     "database.url", "instead of DATABASE_URL"},
    {"PGPASSWORD", Kind::secret, 0, 0, "a password", "", "database.url", "libpq reads it"},
    {"PGSSLMODE", Kind::choice, 0, 0, "disable|allow|prefer|require|verify-ca|verify-full", "",
     "database.url", "verify-full where a CA file is given and the database is elsewhere"},
    {"PGSSLROOTCERT", Kind::text, 0, 0, "a PEM file with the database's authorities", "",
     "database.tls_ca", ""},
    {"SIDEKICK_PG_CONNECTIONS", Kind::count, 1, 16, "", "", "database.lanes", "per worker"},
    {"SIDEKICK_PG_IN_FLIGHT_MAX", Kind::count, 1, 4096, "", "", "database.in_flight_max", ""},
    {"SIDEKICK_PG_QUEUE_MAX", Kind::count, 1, 65'536, "", "", "database.queue_max", ""},
    {"SIDEKICK_PG_CONNECT_TIMEOUT", Kind::duration, 1, kHourMs, "", "", "database.connect_timeout",
     ""},
    {"SIDEKICK_PG_STATEMENT_TIMEOUT", Kind::duration, 1, kHourMs, "", "",
     "database.statement_timeout", ""},
    {"REDIS_URL", Kind::secret, 0, 0, "redis://[user:password@]host:6379/0, or rediss:// for TLS",
     "", "redis.url", ""},
    {"REDIS_URL_FILE", Kind::text, 0, 0, "a file that holds REDIS_URL", "", "redis.url", ""},
    {"SIDEKICK_REDIS_CA", Kind::text, 0, 0, "a PEM file with the authorities of rediss://", "",
     "redis.tls_ca", ""},
    {"SIDEKICK_REDIS_CONNECT_TIMEOUT", Kind::duration, 1, kHourMs, "", "", "redis.connect_timeout",
     ""},
    {"SIDEKICK_REDIS_COMMAND_TIMEOUT", Kind::duration, 1, kHourMs, "", "", "redis.command_timeout",
     ""},
    {"SIDEKICK_CACHE_TTL", Kind::duration, 1, kDayMs, "", "", "cache.ttl", ""},
};

// Set by the balancer for its workers, and by this project's own tools: no settings, no mistakes.
constexpr std::string_view kInternal[] = {"SIDEKICK_WORKER",  "SIDEKICK_WORKER_MEMORY",
                                          "SIDEKICK_RUN_DIR", "SIDEKICK_HOST_TERRAFORM",
                                          "SIDEKICK_CHECK",   "SIDEKICK_LOG_LINES"};

std::string shown(std::string_view text) {
  constexpr std::size_t kShownMax = 80;
  std::string out;
  append_json_string(out, text.substr(0, kShownMax));
  if (text.size() > kShownMax) {
    out.insert(out.size() - 1, "...");
  }
  return out;
}

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool within(const EnvironmentVariable& variable, std::int64_t value) {
  return value >= variable.least && value <= variable.most;
}

bool is_choice(std::string_view choices, std::string_view value) {
  while (!choices.empty()) {
    const std::size_t end = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, end) == value) {
      return true;
    }
    choices.remove_prefix(std::min(end + 1, choices.size()));
  }
  return false;
}

bool accepts(const EnvironmentVariable& variable, std::string_view value) {
  switch (variable.kind) {
    case Kind::choice:
      return is_choice(variable.takes, value);
    case Kind::count: {
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
      return is_number(value) && error == std::errc{} && within(variable, number);
    }
    case Kind::duration: {
      const Result<Duration> parsed = parse_duration_variable(value);
      return parsed && *parsed >= std::chrono::milliseconds(variable.least) &&
             *parsed <= std::chrono::milliseconds(variable.most);
    }
    case Kind::size: {
      const Result<std::size_t> parsed = parse_size(value);
      return parsed && within(variable, static_cast<std::int64_t>(*parsed));
    }
    case Kind::text:
    case Kind::secret:
      return true;
  }
  return true;
}

std::string list_of_choices(std::string_view choices) {
  std::string out;
  while (!choices.empty()) {
    const std::size_t end = std::min(choices.find('|'), choices.size());
    const bool last = end == choices.size();
    out.append(out.empty() ? "" : last ? " or " : ", ").append(choices.substr(0, end));
    choices.remove_prefix(last ? end : end + 1);
  }
  return out;
}

}  // namespace

std::span<const EnvironmentVariable> environment_variables() { return kVariables; }

std::string expectation(const EnvironmentVariable& variable) {
  const auto milliseconds = [](std::int64_t count) {
    return format_duration(std::chrono::milliseconds(count));
  };
  switch (variable.kind) {
    case Kind::choice:
      return list_of_choices(variable.takes);
    case Kind::count:
      return "a number from " + std::to_string(variable.least) + " to " +
             std::to_string(variable.most);
    case Kind::duration:
      return "a duration from " + milliseconds(variable.least) + " to " +
             milliseconds(variable.most) + ", or a number of seconds";
    case Kind::size:
      return "a size from " + format_size(static_cast<std::size_t>(variable.least)) + " to " +
             format_size(static_cast<std::size_t>(variable.most));
    case Kind::text:
    case Kind::secret:
      break;
  }
  return std::string(variable.takes);
}

Result<Duration> parse_duration_variable(std::string_view text) {
  return is_number(text) ? parse_duration(std::string(text) + "s") : parse_duration(text);
}

std::vector<EnvironmentMistake> check_variables(const VariableLookup& look_up) {
  std::vector<EnvironmentMistake> mistakes;
  for (const EnvironmentVariable& variable : kVariables) {
    const std::optional<std::string> value = look_up(std::string(variable.name));
    if (value && !value->empty() && !accepts(variable, *value)) {
      mistakes.push_back({std::string(variable.name),
                          "expected " + expectation(variable) + "; got " + shown(*value)});
    }
  }
  return mistakes;
}

std::vector<EnvironmentMistake> unknown_variables(const char* const* environment) {
  std::vector<std::string_view> names;  // without the prefix, which would make all of them similar
  for (const EnvironmentVariable& variable : kVariables) {
    if (variable.name.starts_with(kPrefix)) {
      names.push_back(variable.name.substr(kPrefix.size()));
    }
  }
  std::vector<EnvironmentMistake> found;
  for (; environment != nullptr && *environment != nullptr; ++environment) {
    const std::string_view line = *environment;
    const std::string_view name = line.substr(0, line.find('='));
    if (!name.starts_with(kPrefix) || std::ranges::find(kInternal, name) != std::end(kInternal)) {
      continue;
    }
    const std::string_view rest = name.substr(kPrefix.size());
    if (std::ranges::find(names, rest) != names.end()) {
      continue;
    }
    const std::string_view near = nearest_name(rest, names);
    found.push_back(
        {std::string(name),
         "nobody reads this variable" +
             (near.empty() ? std::string()
                           : "; did you mean " + std::string(kPrefix) + std::string(near) + "?")});
  }
  std::ranges::sort(found, {}, &EnvironmentMistake::name);
  return found;
}

std::string print_variables() {
  const auto settings = [](std::string_view names) {
    return names.empty() ? std::string() : "`" + std::string(names) + "`";
  };
  std::string out =
      "| Variable | Takes | In sidekick.toml | In an application's file | Note |\n"
      "|---|---|---|---|---|\n";
  for (const EnvironmentVariable& variable : kVariables) {
    out.append("| `").append(variable.name).append("` | ").append(expectation(variable));
    out.append(" | ").append(settings(variable.balancer));
    out.append(" | ").append(settings(variable.application));
    out.append(" | ").append(variable.note).append(" |\n");
  }
  return out;
}

}  // namespace sk
