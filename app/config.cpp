#include "app/config.h"

#include "net/core/nearest_name.h"

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
// What was expected; empty where the value was taken.
using Setter = std::string (*)(Config&, const Value&);

struct Setting {
  std::string_view name;
  Setter set;
};

template <typename T>
std::string set_text(T& out, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  if (text == nullptr || text->empty()) {
    return "expected text in quotes";
  }
  out = *text;
  return {};
}

std::string set_duration(Duration& out, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  const auto duration = parse_duration(text != nullptr ? *text : "");
  if (!duration) {
    return duration.error();
  }
  out = *duration;
  return {};
}

std::string set_size(std::size_t& out, const Value& value, std::size_t max) {
  std::string text;
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    text = std::to_string(*number);
  } else if (const auto* string = std::get_if<std::string>(&value)) {
    text = *string;
  }
  const auto size = parse_size(text);
  if (!size) {
    return size.error();
  }
  if (*size > max) {
    return "expected at most " + std::to_string(max) + " bytes";
  }
  out = *size;
  return {};
}

template <typename T>
std::string set_count(T& out, const Value& value, std::int64_t min, std::int64_t max) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr || *number < min || *number > max) {
    return "expected a whole number from " + std::to_string(min) + " to " + std::to_string(max);
  }
  out = static_cast<T>(*number);
  return {};
}

std::string set_listen(Config& config, const Value& value) {
  const std::string mistake = set_text(config.listen, value);
  return mistake.empty() ? check_listen(config.listen) : mistake;
}

std::string set_io(Config& config, const Value& value) {
  const auto* text = std::get_if<std::string>(&value);
  const auto choice = parse_io_choice(text != nullptr ? *text : "");
  if (!choice) {
    return "expected \"auto\", \"uring\" or \"epoll\"";
  }
  config.io = *choice;
  return {};
}

std::string set_log_requests(Config& config, const Value& value) {
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

std::string set_database_url(Config& config, const Value& value) {
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

std::string set_redis_url(Config& config, const Value& value) {
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

constexpr Setting kSettings[] = {
    {"listen", set_listen},
    {"io", set_io},
    {"stop_timeout", [](Config& c, const Value& v) { return set_duration(c.stop_timeout, v); }},
    {"request_deadline",
     [](Config& c, const Value& v) { return set_duration(c.request_deadline, v); }},
    {"body_limit",
     [](Config& c, const Value& v) { return set_size(c.body_limit_bytes, v, 256U << 20); }},
    {"connections_max",
     [](Config& c, const Value& v) { return set_count(c.connections_max, v, 1, 1'000'000); }},
    {"log.requests", set_log_requests},
    {"database.url", set_database_url},
    {"database.lanes",
     [](Config& c, const Value& v) { return set_count(c.database.lanes, v, 1, 16); }},
    {"database.in_flight_max",
     [](Config& c, const Value& v) { return set_count(c.database.in_flight_max, v, 1, 4096); }},
    {"database.queue_max",
     [](Config& c, const Value& v) { return set_count(c.database.queue_max, v, 1, 65536); }},
    {"database.statement_timeout",
     [](Config& c, const Value& v) { return set_duration(c.database.statement_timeout, v); }},
    {"database.connect_timeout",
     [](Config& c, const Value& v) { return set_duration(c.database.connect_timeout, v); }},
    {"redis.url", set_redis_url},
    {"redis.command_timeout",
     [](Config& c, const Value& v) { return set_duration(c.redis.command_timeout, v); }},
    {"redis.connect_timeout",
     [](Config& c, const Value& v) { return set_duration(c.redis.connect_timeout, v); }},
    {"redis.tls_ca", [](Config& c, const Value& v) { return set_text(c.redis.tls_ca, v); }},
    {"cache.ttl", [](Config& c, const Value& v) { return set_duration(c.cache.ttl, v); }},
    {"cache.negative_ttl",
     [](Config& c, const Value& v) { return set_duration(c.cache.negative_ttl, v); }},
    {"cache.loads_max",
     [](Config& c, const Value& v) { return set_count(c.cache.loads_max, v, 1, 65536); }},
};

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
    mistakes.push_back({source, setting.line, setting.column, setting.name + ": " + text});
  };
  constexpr std::string_view kOwn = "settings.";
  if (setting.name.starts_with(kOwn)) {
    config.settings[setting.name.substr(kOwn.size())] = as_text(setting.value);
    return;
  }
  for (const Setting& known : kSettings) {
    if (known.name == setting.name) {
      const std::string mistake = known.set(config, setting.value);
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

ConfigResult read_config(std::string_view toml, const std::string& source,
                         const Environment& environment) {
  ConfigResult result;
  for (const SettingValue& setting : read_toml(toml, source, result.mistakes)) {
    apply_setting(result.config, setting, source, result.mistakes);
  }
  apply_environment(result.config, environment, result.mistakes);
  return result;
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
                                   "): check the path after --config and its permissions"});
    return result;
  }
  return read_config(text, file, environment);
}

}  // namespace sk::app
