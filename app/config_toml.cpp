#include "app/config_setting.h"

#include <toml++/toml.hpp>

namespace sk::app {
namespace {

void flatten(const toml::table& table, const std::string& prefix, const std::string& source,
             std::vector<SettingValue>& out, std::vector<ConfigMessage>& mistakes) {
  for (const auto& [key, node] : table) {
    const std::string name = prefix + std::string(key.str());
    const toml::source_position at = key.source().begin;
    if (const auto* inner = node.as_table()) {
      flatten(*inner, name + '.', source, out, mistakes);
      continue;
    }
    SettingValue setting{.name = name, .value = false, .line = at.line, .column = at.column};
    if (const auto* text = node.as_string()) {
      setting.value = text->get();
    } else if (const auto* integer = node.as_integer()) {
      setting.value = integer->get();
    } else if (const auto* number = node.as_floating_point()) {
      setting.value = number->get();
    } else if (const auto* flag = node.as_boolean()) {
      setting.value = flag->get();
    } else {
      mistakes.push_back(
          {source, at.line, at.column, name + ": expected text, a number, true or false", name});
      continue;
    }
    out.push_back(std::move(setting));
  }
}

}  // namespace

std::vector<SettingValue> read_toml(std::string_view text, const std::string& source,
                                    std::vector<ConfigMessage>& mistakes) {
  std::vector<SettingValue> settings;
  try {
    flatten(toml::parse(text, source), "", source, settings, mistakes);
  } catch (const toml::parse_error& error) {
    const toml::source_position at = error.source().begin;
    mistakes.push_back({source, at.line, at.column, std::string(error.description()), ""});
  }
  return settings;
}

}  // namespace sk::app
