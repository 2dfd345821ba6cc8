// Variables that override the file, because containers get their addresses and secrets this way.
// net/core/environment.h lists them; PORT=7500 alone means listen on 0.0.0.0:7500.
#include "net/core/buffer.h"
#include "net/core/environment.h"
#include "net/link/control.h"

#include "app/config_setting.h"
#include "app/scalar_text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>

namespace sk::app {
namespace {

// The variables that say where libpq's database is; any of them means that there is one.
constexpr const char* kPgVariables[] = {"PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"};

std::string value_of(const Environment& environment, const std::string& name) {
  const char* value = environment(name.c_str());
  return value != nullptr ? value : "";
}

// A value of the table, which has been checked, as the type that the setting has.
SettingValue setting_of(const EnvironmentVariable& variable, const std::string& value) {
  SettingValue setting{std::string(variable.application), value, 0, 0};
  if (variable.kind == VariableKind::count) {
    setting.value = static_cast<std::int64_t>(std::stoll(value));
  } else if (variable.kind == VariableKind::duration &&
             value.find_first_not_of("0123456789") == std::string::npos) {
    setting.value = value + "s";
  }
  return setting;
}

void apply_require(Config& config, const std::string& value, std::vector<ConfigMessage>& mistakes) {
  const bool both = value == "database,redis" || value == "redis,database";
  if (!both && value != "database" && value != "redis" && value != "none") {
    mistakes.push_back(
        {"environment SIDEKICK_REQUIRE", 0, 0,
         "expected database, redis, both with a comma between, or none; not " + value.substr(0, 80),
         ""});
    return;
  }
  config.database.required = both || value == "database";
  config.redis.required = both || value == "redis";
}

// NAME_FILE names a file that holds NAME, as secrets are mounted.
void apply_file(Config& config, const Environment& environment, const std::string& variable,
                const std::string& setting, std::vector<ConfigMessage>& mistakes) {
  const std::string path = value_of(environment, variable + "_FILE");
  if (path.empty() || !value_of(environment, variable).empty()) {
    return;
  }
  const std::string source = "environment " + variable + "_FILE";
  std::ifstream file(path, std::ios::binary);
  std::string value{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const int error = errno;
  if (!file && value.empty()) {
    mistakes.push_back({source, 0, 0,
                        path + " cannot be read (" + std::strerror(error) +
                            "): mount the secret there, readable for this user",
                        setting});
    return;
  }
  value.resize(value.find_last_not_of(" \t\r\n") + 1);
  if (value.empty()) {
    mistakes.push_back({source, 0, 0, path + " is empty: it must hold " + variable, setting});
    return;
  }
  apply_setting(config, {setting, std::move(value), 0, 0}, source, mistakes);
}

}  // namespace

void apply_worker_memory(Config& config, const Environment& environment) {
  const auto bytes = parse_scalar<std::uint64_t>(value_of(environment, kWorkerMemoryEnvironment));
  if (bytes) {
    config.bodies_max_bytes = std::max<std::size_t>(*bytes / 4, 1U << 20);
    config.buffers = std::clamp<std::size_t>(*bytes / 16 / kBufferBytes, 64, 1024);
  }
}

void apply_environment(Config& config, const Environment& environment,
                       std::vector<ConfigMessage>& mistakes) {
  std::vector<std::string> broken;
  const auto look_up = [&](const std::string& name) -> std::optional<std::string> {
    const char* value = environment(name.c_str());
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
  };
  for (const EnvironmentMistake& mistake : check_variables(look_up)) {
    mistakes.push_back({"environment " + mistake.name, 0, 0, mistake.text, ""});
    broken.push_back(mistake.name);
  }
  if (const std::string port = value_of(environment, "PORT"); !port.empty()) {
    apply_setting(config, {"listen", "0.0.0.0:" + port, 0, 0}, "environment PORT", mistakes);
  }
  for (const EnvironmentVariable& variable : environment_variables()) {
    const std::string name(variable.name);
    const std::string value = value_of(environment, name);
    if (value.empty() || std::ranges::find(broken, name) != broken.end()) {
      continue;
    }
    if (name == "SIDEKICK_REQUIRE") {
      apply_require(config, value, mistakes);
    } else if (!variable.application.empty() && !name.starts_with("PG") &&
               !name.ends_with("_FILE")) {
      apply_setting(config, setting_of(variable, value), "environment " + name, mistakes);
    }
  }
  apply_file(config, environment, "DATABASE_URL", "database.url", mistakes);
  apply_file(config, environment, "REDIS_URL", "redis.url", mistakes);
  for (const char* name : kPgVariables) {
    config.database.enabled = config.database.enabled || !value_of(environment, name).empty();
  }
}

}  // namespace sk::app
