// Section: one table of a TOML file, read key by key, with a message for whatever is wrong.
//
// A part of config_toml.cpp, and of the benchmark suite's scenario_toml.cpp, which alone include
// it: nothing else knows the TOML library.
#pragma once

#include "net/core/nearest_name.h"
#include "net/core/units.h"

#include "lb/config_address.h"
#include "lb/config_messages.h"

#include <toml++/toml.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sk::lb {

inline ConfigPlace place_of(const toml::source_region& source) {
  return {source.begin.line, source.begin.column};
}

inline ConfigPlace place_of(const toml::node& node) { return place_of(node.source()); }

// What stands there, for "got ...": the value of a short scalar, otherwise its type.
inline std::string shown(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    return in_quotes(text->get());
  }
  if (const auto* number = node.as_integer()) {
    return std::to_string(number->get());
  }
  if (const auto* boolean = node.as_boolean()) {
    return boolean->get() ? "true" : "false";
  }
  if (node.is_table()) {
    return "a table";
  }
  return node.is_array() ? "a list" : "a value of another type";
}

// The file's top table; nothing, and a message that says where, when it is not TOML.
inline std::optional<toml::table> parse_toml(std::string_view text, std::string_view file,
                                             ConfigMessages& messages) {
  try {
    return toml::parse(text, file);
  } catch (const toml::parse_error& error) {
    messages.error(place_of(error.source()), "",
                   "not TOML: " + std::string(error.description()) + "; what follows was not read");
    return std::nullopt;
  }
}

// A key as messages show it: bare where TOML writes it so.
inline std::string printable(std::string_view key) {
  const bool bare = !key.empty() && key.size() <= 80 && std::ranges::all_of(key, [](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '_' || byte == '-';
  });
  return bare ? std::string(key) : in_quotes(key);
}

template <typename Value>
struct Choice {
  std::string_view name;
  Value value;
};

// One table of the file. Every key that may stand in it is asked for once; finish() reports those
// that were not.
class Section {
 public:
  Section(const toml::table& table, std::string name, ConfigMessages& messages)
      : table_(table), name_(std::move(name)), messages_(messages) {}

  const toml::node* find(std::string_view key) {
    known_.push_back(key);
    return table_.get(key);
  }

  ConfigPlace place() const { return place_of(table_); }

  std::string name_of(std::string_view key) const {
    return name_.empty() ? std::string(key) : name_ + "." + std::string(key);
  }

  void wrong(std::string_view key, const toml::node& node, const std::string& expected) {
    messages_.error(place_of(node), name_of(key), expected + "; got " + shown(node));
  }

  // Text that `parse` (string_view -> Result) turns into out; the error's detail says what was
  // expected.
  template <typename Parse, typename Out>
  void parsed(std::string_view key, Out& out, Parse parse, const char* expected) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const auto* text = node->as_string();
    if (text == nullptr) {
      return wrong(key, *node, expected);
    }
    auto value = parse(std::string_view(text->get()));
    if (!value) {
      return wrong(key, *node, value.error().detail);
    }
    out = *value;
  }

  template <typename Out>
  void duration(std::string_view key, Out& out, Duration least, Duration most) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const auto* text = node->as_string();
    const Result<Duration> value =
        parse_duration(text == nullptr ? std::string_view() : std::string_view(text->get()));
    if (!value) {
      return wrong(key, *node, value.error().detail);
    }
    if (*value < least || *value > most) {
      return wrong(
          key, *node,
          "expected a duration from " + format_duration(least) + " to " + format_duration(most));
    }
    out = *value;
  }

  template <typename Out>
  void size(std::string_view key, Out& out, std::size_t least, std::size_t most) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const auto* text = node->as_string();
    const Result<std::size_t> value =
        parse_size(text == nullptr ? std::string_view() : std::string_view(text->get()));
    if (!value) {
      return wrong(key, *node, value.error().detail);
    }
    if (*value < least || *value > most) {
      return wrong(key, *node,
                   "expected a size from " + format_size(least) + " to " + format_size(most));
    }
    out = static_cast<Out>(*value);
  }

  template <typename Out>
  void integer(std::string_view key, Out& out, std::int64_t least, std::int64_t most) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const auto* number = node->as_integer();
    if (number == nullptr || number->get() < least || number->get() > most) {
      return wrong(
          key, *node,
          "expected a number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    out = static_cast<std::uint32_t>(number->get());
  }

  void boolean(std::string_view key, bool& out) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const auto* value = node->as_boolean();
    if (value == nullptr) {
      return wrong(key, *node, "expected true or false");
    }
    out = value->get();
  }

  void text(std::string_view key, std::string& out) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const auto* value = node->as_string();
    if (value == nullptr || value->get().find('\0') != std::string::npos) {
      return wrong(key, *node, "expected text in quotes");
    }
    out = value->get();
  }

  // True if the key stands there, wrong or not.
  bool required(std::string_view key) {
    if (table_.get(key) != nullptr) {
      return true;
    }
    messages_.error(place(), name_of(key), "is required here");
    return false;
  }

  template <typename Value, std::size_t N>
  void choice(std::string_view key, Value& out, const std::array<Choice<Value>, N>& choices) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    std::string expected = "expected ";
    std::array<std::string_view, N> names;
    for (std::size_t index = 0; index < N; ++index) {
      names[index] = choices[index].name;
      expected += index == 0 ? "" : index + 1 == N ? " or " : ", ";
      expected += in_quotes(names[index]);
      if (node->is_string() && node->as_string()->get() == names[index]) {
        out = choices[index].value;
        return;
      }
    }
    const std::string given = node->is_string() ? node->as_string()->get() : std::string();
    messages_.error(place_of(*node), name_of(key),
                    expected + "; got " + shown(*node) + did_you_mean(nearest_name(given, names)));
  }

  // Calls take(element) for each element of a list.
  template <typename Take>
  void list(std::string_view key, const char* expected, Take take, bool may_be_empty = false) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      return wrong(key, *node, expected);
    }
    if (array->empty() && !may_be_empty) {
      return wrong(key, *node, expected);
    }
    for (const toml::node& element : *array) {
      take(element);
    }
  }

  template <typename Take>
  void text_list(std::string_view key, const char* expected, Take take, bool may_be_empty = false) {
    const auto take_text = [&](const toml::node& element) {
      const auto* text = element.as_string();
      if (text == nullptr || text->get().find('\0') != std::string::npos) {
        return wrong(key, element, expected);
      }
      take(element, std::string_view(text->get()));
    };
    list(key, expected, take_text, may_be_empty);
  }

  // Calls take(section) where the key holds a table.
  template <typename Take>
  void table(std::string_view key, Take take) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const toml::table* inner = node->as_table();
    if (inner == nullptr) {
      return wrong(key, *node, "expected a table { name = value, ... }");
    }
    Section section(*inner, name_of(key), messages_);
    take(section);
    section.finish();
  }

  // Calls take(section) for each [[key]].
  template <typename Take>
  void tables(std::string_view key, Take take) {
    const toml::node* node = find(key);
    if (node == nullptr) {
      return;
    }
    const toml::array* array = node->as_array();
    if (array == nullptr || !std::ranges::all_of(*array, &toml::node::is_table)) {
      const std::string name = name_of(key);
      messages_.error(place_of(*node), name,
                      "expected tables headed [[" + name +
                          "]], with two brackets: there may be "
                          "several; got " +
                          shown(*node));
      return;
    }
    for (const toml::node& element : *array) {
      Section section(*element.as_table(), name_of(key), messages_);
      take(section);
      section.finish();
    }
  }

  const toml::table& raw() const { return table_; }
  ConfigMessages& messages() { return messages_; }

  void finish() {
    for (const auto& [key, node] : table_) {
      if (std::ranges::find(known_, key.str()) == known_.end()) {
        messages_.error(place_of(key.source()), name_of(printable(key.str())),
                        "there is no such setting" + did_you_mean(nearest_name(key.str(), known_)));
      }
    }
  }

 private:
  const toml::table& table_;
  std::string name_;
  ConfigMessages& messages_;
  std::vector<std::string_view> known_;
};

}  // namespace sk::lb
