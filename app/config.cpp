#include "app/config.h"

#include "net/core/json_text.h"
#include "net/core/nearest_name.h"
#include "net/core/units.h"

#include "app/config_setting.h"
#include "app/scalar_text.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

namespace sk::app {
namespace {

using Value = decltype(SettingValue::value);
struct Setting;
// What was expected; empty where the value was taken.
using Setter = std::string (*)(Config&, const Value&, const Setting&);
// The value as JSON, which is TOML as well.
using Printer = std::string (*)(const Config&);

struct Setting {
  std::string_view name;
  Setter set;
  Printer print;
  std::int64_t least = 0;  // nanoseconds, bytes or a count
  std::int64_t most = 0;
};

std::string as_json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

std::string set_text(std::string& out, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->empty()) {
    return "expected text in quotes";
  }
  out = *text;
  return {};
}

std::string set_duration(Duration& out, const Value& value, const Setting& setting) {
  const auto* text = std::get_if<std::string>(&value);
  const Result<Duration> duration = parse_duration(text != nullptr ? *text : "");
  if (!duration) {
    return duration.error().detail;
  }
  if (duration->count() < setting.least || duration->count() > setting.most) {
    return "expected a duration from " + format_duration(Duration(setting.least)) + " to " +
           format_duration(Duration(setting.most));
  }
  out = *duration;
  return {};
}

std::string set_size(std::size_t& out, const Value& value, const Setting& setting) {
  const auto* text = std::get_if<std::string>(&value);
  const Result<std::size_t> size = parse_size(text != nullptr ? *text : "");
  if (!size) {
    return size.error().detail;
  }
  const auto least = static_cast<std::size_t>(setting.least);
  const auto most = static_cast<std::size_t>(setting.most);
  if (*size < least || *size > most) {
    return "expected a size from " + format_size(least) + " to " + format_size(most);
  }
  out = *size;
  return {};
}

template <typename T>
std::string set_count(T& out, const Value& value, const Setting& setting) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < setting.least || *number > setting.most) {
    return "expected a whole number from " + std::to_string(setting.least) + " to " +
           std::to_string(setting.most);
  }
  out = static_cast<T>(*number);
  return {};
}

std::string set_flag(bool& out, const Value& value) {
  const auto* flag = std::get_if<bool>(&value);
  if (flag == nullptr) {
    return "expected true or false";
  }
  out = *flag;
  return {};
}

std::string set_listen(Config& config, const Value& value, const Setting&) {
  const std::string mistake = set_text(config.listen, value);
  return mistake.empty() ? check_listen(config.listen) : mistake;
}

std::string set_io(Config& config, const Value& value, const Setting&) {
  const auto* text = std::get_if<std::string>(&value);
  const auto choice = parse_io_choice(text != nullptr ? *text : "");
  if (!choice) {
    return "expected \"auto\", \"uring\" or \"epoll\"";
  }
  config.io = *choice;
  return {};
}

std::string print_io(const Config& config) {
  return config.io == IoChoice::uring   ? "\"uring\""
         : config.io == IoChoice::epoll ? "\"epoll\""
                                        : "\"auto\"";
}

std::string set_log_requests(Config& config, const Value& value, const Setting&) {
  const auto* text = std::get_if<std::string>(&value);
  for (const RequestLog choice :
       {RequestLog::both, RequestLog::completed, RequestLog::errors, RequestLog::off}) {
    if (text != nullptr && *text == to_string(choice)) {
      config.log_requests = choice;
      return {};
    }
  }
  return "expected \"both\", \"completed\", \"errors\" or \"off\"";
}

std::string set_database_url(Config& config, const Value& value, const Setting&) {
  const std::string mistake = set_text(config.database.url, value);
  if (!mistake.empty()) {
    return mistake;
  }
  const std::string& url = config.database.url;
  config.database.enabled = true;
  if (url.starts_with("postgres://") || url.starts_with("postgresql://") ||
      url.find('=') != std::string::npos) {
    return {};
  }
  return "expected \"postgres://user@host:5432/database\" or \"host=… dbname=…\"";
}

std::string set_redis_url(Config& config, const Value& value, const Setting&) {
  const std::string mistake = set_text(config.redis.url, value);
  if (!mistake.empty()) {
    return mistake;
  }
  config.redis.enabled = true;
  for (const std::string_view scheme : {"redis://", "rediss://", "unix:/"}) {
    if (config.redis.url.starts_with(scheme) && config.redis.url.size() > scheme.size()) {
      return {};
    }
  }
  return "expected \"redis://host:6379/0\", \"rediss://…\" or \"unix:/path\"";
}

// A URL may hold a password.
std::string print_url(bool enabled) { return enabled ? "\"(set)\"" : "\"\""; }

// `at` gives the field of a Config, const or not.
template <auto at>
constexpr Setting duration_setting(std::string_view name, Duration least, Duration most) {
  return {
      name, [](Config& c, const Value& v, const Setting& s) { return set_duration(at(c), v, s); },
      [](const Config& c) { return as_json(format_duration(at(c))); }, least.count(), most.count()};
}
template <auto at>
constexpr Setting size_setting(std::string_view name, std::int64_t least, std::int64_t most) {
  return {name, [](Config& c, const Value& v, const Setting& s) { return set_size(at(c), v, s); },
          [](const Config& c) { return as_json(format_size(at(c))); }, least, most};
}
template <auto at>
constexpr Setting count_setting(std::string_view name, std::int64_t least, std::int64_t most) {
  return {name, [](Config& c, const Value& v, const Setting& s) { return set_count(at(c), v, s); },
          [](const Config& c) { return std::to_string(at(c)); }, least, most};
}
template <auto at>
constexpr Setting flag_setting(std::string_view name) {
  return {name, [](Config& c, const Value& v, const Setting&) { return set_flag(at(c), v); },
          [](const Config& c) { return std::string(at(c) ? "true" : "false"); }};
}
template <auto at>
constexpr Setting text_setting(std::string_view name) {
  return {name, [](Config& c, const Value& v, const Setting&) { return set_text(at(c), v); },
          [](const Config& c) { return as_json(at(c)); }};
}

#define SK_AT(field) [](auto& c) -> auto& { return c.field; }

constexpr Duration kMs = std::chrono::milliseconds(1);
constexpr Duration kHour = std::chrono::hours(1);
constexpr Duration kDay = std::chrono::hours(24);

constexpr Setting kSettings[] = {
    {"listen", set_listen, [](const Config& c) { return as_json(c.listen); }},
    {"io", set_io, print_io},
    duration_setting<SK_AT(stop_timeout)>("stop_timeout", kMs, kDay),
    duration_setting<SK_AT(request_deadline)>("request_deadline", kMs, kDay),
    duration_setting<SK_AT(idle_timeout)>("idle_timeout", 100 * kMs, kDay),
    size_setting<SK_AT(body_limit_bytes)>("body_limit", 0, 256 << 20),
    count_setting<SK_AT(connections_max)>("connections_max", 1, 1'000'000),
    count_setting<SK_AT(buffers)>("buffers", 64, 32'768),
    size_setting<SK_AT(bodies_max_bytes)>("bodies_max", 1 << 20, std::int64_t{64} << 30),
    {"log.requests", set_log_requests,
     [](const Config& c) { return as_json(to_string(c.log_requests)); }},
    {"database.url", set_database_url,
     [](const Config& c) { return print_url(c.database.enabled); }},
    flag_setting<SK_AT(database.required)>("database.required"),
    text_setting<SK_AT(database.tls_ca)>("database.tls_ca"),
    count_setting<SK_AT(database.lanes)>("database.lanes", 1, 16),
    count_setting<SK_AT(database.in_flight_max)>("database.in_flight_max", 1, 4096),
    count_setting<SK_AT(database.queue_max)>("database.queue_max", 1, 65'536),
    duration_setting<SK_AT(database.statement_timeout)>("database.statement_timeout", kMs, kHour),
    duration_setting<SK_AT(database.connect_timeout)>("database.connect_timeout", kMs, kHour),
    {"redis.url", set_redis_url, [](const Config& c) { return print_url(c.redis.enabled); }},
    flag_setting<SK_AT(redis.required)>("redis.required"),
    text_setting<SK_AT(redis.tls_ca)>("redis.tls_ca"),
    duration_setting<SK_AT(redis.command_timeout)>("redis.command_timeout", kMs, kHour),
    duration_setting<SK_AT(redis.connect_timeout)>("redis.connect_timeout", kMs, kHour),
    duration_setting<SK_AT(cache.ttl)>("cache.ttl", kMs, kDay),
    duration_setting<SK_AT(cache.negative_ttl)>("cache.negative_ttl", kMs, kDay),
    count_setting<SK_AT(cache.loads_max)>("cache.loads_max", 1, 65'536),
};

#undef SK_AT

constexpr auto kSettingNames = [] {
  std::array<std::string_view, std::size(kSettings)> names{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i] = kSettings[i].name;
  }
  return names;
}();

std::string as_text(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return *text;
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return std::to_string(*number);
  }
  if (const auto* flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  std::ostringstream out;
  out << std::get<double>(value);
  return out.str();
}

// A value as a message quotes it; URLs may hold a password and are not repeated.
std::string quoted(const SettingValue& setting) {
  if (setting.name.ends_with("url")) {
    return {};
  }
  return ", not " + as_text(setting.value).substr(0, 80);
}

}  // namespace

std::string_view to_string(RequestLog requests) {
  switch (requests) {
    case RequestLog::both:
      return "both";
    case RequestLog::completed:
      return "completed";
    case RequestLog::errors:
      return "errors";
    case RequestLog::off:
      return "off";
  }
  return "";
}

std::string check_listen(std::string_view text) {
  constexpr std::size_t kUnixPathMax = 107;  // sun_path of unix(7), without its final zero
  constexpr const char* kExpected = "expected \"host:port\", \"[::]:7500\" or \"unix:/path\"";
  if (text.starts_with("unix:")) {
    const std::string_view path = text.substr(5);
    if (!path.starts_with('/')) {
      return kExpected;
    }
    return path.size() > kUnixPathMax ? "a Unix socket's path has at most 107 bytes" : "";
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return kExpected;
  }
  const std::string_view host = text.substr(0, colon);
  const bool bracketed = host.starts_with('[') && host.ends_with(']') && host.size() > 2;
  if (!bracketed && host.find(':') != std::string_view::npos) {
    return "an IPv6 address stands in brackets: \"[::1]:7500\"";
  }
  const auto port = parse_scalar<std::uint16_t>(text.substr(colon + 1));
  return port ? "" : kExpected;
}

std::string format(const std::vector<ConfigMessage>& messages) {
  std::string out;
  for (const ConfigMessage& message : messages) {
    out += message.source;
    if (message.line != 0) {
      out += ':' + std::to_string(message.line) + ':' + std::to_string(message.column);
    }
    out += ": " + message.text + '\n';
  }
  return out;
}

void apply_setting(Config& config, const SettingValue& setting, const std::string& source,
                   std::vector<ConfigMessage>& mistakes) {
  const auto fail = [&](const std::string& text) {
    mistakes.push_back(
        {source, setting.line, setting.column, setting.name + ": " + text, setting.name});
  };
  constexpr std::string_view kOwn = "settings.";
  if (setting.name.starts_with(kOwn)) {
    config.settings[setting.name.substr(kOwn.size())] = as_text(setting.value);
    return;
  }
  for (const Setting& known : kSettings) {
    if (known.name == setting.name) {
      const std::string mistake = known.set(config, setting.value, known);
      if (!mistake.empty()) {
        fail(mistake + quoted(setting));
      }
      return;
    }
  }
  const std::string_view near = nearest_name(setting.name, kSettingNames);
  fail("there is no such setting" + (near.empty() ? std::string("; your own go into [settings]")
                                                  : "; did you mean " + std::string(near) + "?"));
}

namespace {

// What is wrong with where a required service is does not end the process: see DatabaseConfig.
template <typename Service>
void move_trouble(Service& service, std::string_view prefix, std::vector<ConfigMessage>& mistakes) {
  if (!service.required) {
    return;
  }
  for (const ConfigMessage& mistake : mistakes) {
    if (mistake.setting == prefix) {
      service.trouble = mistake.source + ": " + mistake.text;
      service.enabled = false;
    }
  }
  std::erase_if(mistakes, [&](const ConfigMessage& mistake) { return mistake.setting == prefix; });
}

}  // namespace

ConfigResult read_config(std::string_view toml, const std::string& source,
                         const Environment& environment) {
  ConfigResult result;
  apply_worker_memory(result.config, environment);
  for (const SettingValue& setting : read_toml(toml, source, result.mistakes)) {
    apply_setting(result.config, setting, source, result.mistakes);
  }
  apply_environment(result.config, environment, result.mistakes);
  move_trouble(result.config.database, "database.url", result.mistakes);
  move_trouble(result.config.redis, "redis.url", result.mistakes);
  return result;
}

std::string print_settings(const Config& config, bool json) {
  std::string out = json ? "{" : "";
  for (const Setting& setting : kSettings) {
    if (json) {
      out += (out.size() > 1 ? "," : "") + as_json(setting.name) + ":" + setting.print(config);
    } else {
      out.append(setting.name).append(" = ").append(setting.print(config)).append("\n");
    }
  }
  return out + (json ? "}\n" : "");
}

ConfigResult load_config(const std::string& file, const Environment& environment) {
  if (file.empty()) {
    return read_config("", "", environment);
  }
  std::ifstream stream(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  if (!stream && text.empty()) {
    const int error = errno;
    ConfigResult result;
    result.mistakes.push_back({file, 0, 0,
                               std::string("cannot be read (") + std::strerror(error) +
                                   "): check the path after --config and its permissions",
                               ""});
    return result;
  }
  return read_config(text, file, environment);
}

}  // namespace sk::app
