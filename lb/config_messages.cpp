#include "lb/config_messages.h"

#include "net/core/json_text.h"

#include <algorithm>

namespace sk::lb {

void ConfigMessages::error(ConfigPlace place, std::string_view name, std::string text) {
  messages_.push_back({place, std::string(name), std::move(text), true});
}

void ConfigMessages::warning(ConfigPlace place, std::string_view name, std::string text) {
  messages_.push_back({place, std::string(name), std::move(text), false});
}

bool ConfigMessages::has_errors() const { return error_count() > 0; }

std::size_t ConfigMessages::error_count() const {
  return static_cast<std::size_t>(std::ranges::count_if(messages_, &ConfigMessage::is_error));
}

std::string ConfigMessages::format(std::string_view file) const {
  std::vector<const ConfigMessage*> sorted;
  for (const ConfigMessage& message : messages_) {
    sorted.push_back(&message);
  }
  std::ranges::stable_sort(sorted, [](const ConfigMessage* a, const ConfigMessage* b) {
    return std::pair(a->place.line, a->place.column) < std::pair(b->place.line, b->place.column);
  });
  std::string text;
  std::size_t shown = 0;
  for (const ConfigMessage* message : sorted) {
    if (++shown > kShownMax) {
      text += "... and " + std::to_string(sorted.size() - kShownMax) + " more\n";
      break;
    }
    text += file;
    if (message->place.line != 0) {
      text +=
          ":" + std::to_string(message->place.line) + ":" + std::to_string(message->place.column);
    }
    text += message->is_error ? ": error: " : ": warning: ";
    if (!message->name.empty()) {
      text += message->name + ": ";
    }
    text += message->text + "\n";
  }
  return text;
}

std::string did_you_mean(std::string_view nearest) {
  return nearest.empty() ? "" : ", did you mean " + in_quotes(nearest) + "?";
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kBytesMax = 80;
  std::string json;
  append_json_string(json, text.substr(0, kBytesMax));
  if (text.size() > kBytesMax) {
    json.insert(json.size() - 1, "...");
  }
  return json;
}

}  // namespace sk::lb
