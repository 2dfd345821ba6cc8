// What is wrong with a configuration: everything at once, each with its place and a way out.
#pragma once

#include "lb/config.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sk::lb {

struct ConfigMessage {
  ConfigPlace place;
  std::string name;  // "route.budget.p99", or empty for the file as a whole
  std::string text;  // what was expected, what stood there, the nearest valid name
  bool is_error = true;
};

class ConfigMessages {
 public:
  void error(ConfigPlace place, std::string_view name, std::string text);
  void warning(ConfigPlace place, std::string_view name, std::string text);

  bool has_errors() const;
  std::size_t error_count() const;
  // In the order of the file; at most kShownMax, the rest counted in a last line.
  static constexpr std::size_t kShownMax = 100;
  // "sidekick.toml:12:7: error: route.budget.p99: expected a duration such as ..." and a newline
  // each.
  std::string format(std::string_view file) const;
  const std::vector<ConfigMessage>& all() const { return messages_; }

 private:
  std::vector<ConfigMessage> messages_;
};

// ", did you mean \"workers\"?" or nothing.
std::string did_you_mean(std::string_view nearest);

// Text from the file as a message quotes it: cut, on one line, printable.
std::string in_quotes(std::string_view text);

}  // namespace sk::lb
