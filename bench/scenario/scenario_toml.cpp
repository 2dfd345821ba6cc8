#include "bench/scenario/scenario_toml.h"

#include "net/core/json_text.h"

#include "lb/config_section.h"

#include "bench/scenario/scenario_check.h"

#include <fstream>
#include <iterator>

namespace sk::bench {
namespace {

using lb::ConfigMessages;
using lb::place_of;
using lb::Section;

using std::chrono_literals::operator""us;
using std::chrono_literals::operator""h;

constexpr std::int64_t kNumberMax = std::int64_t{1} << 53;  // exact in JSON too

void read_number(Section& section, std::string_view key, double& out, double least, double most) {
  const toml::node* node = section.find(key);
  if (node == nullptr) {
    return;
  }
  const std::optional<double> number = node->is_number() ? node->value<double>() : std::nullopt;
  if (!number || !(*number >= least && *number <= most)) {
    section.wrong(key, *node, "expected a number of requests per second, up to 10 million");
    return;
  }
  out = *number;
}

std::optional<std::int64_t> read_integer(Section& section, std::string_view key) {
  const toml::node* node = section.find(key);
  if (node == nullptr) {
    return std::nullopt;
  }
  const auto* number = node->as_integer();
  if (number == nullptr || number->get() < -kNumberMax || number->get() > kNumberMax) {
    section.wrong(key, *node, "expected a whole number");
    return std::nullopt;
  }
  return number->get();
}

// name = "text" pairs.
void read_pairs(Section& section, std::vector<std::pair<std::string, std::string>>& out) {
  for (const auto& [key, node] : section.raw()) {
    section.find(key.str());
    const auto* text = node.as_string();
    if (text == nullptr) {
      section.wrong(lb::printable(key.str()), node, "expected NAME = \"text\"");
      continue;
    }
    out.emplace_back(std::string(key.str()), text->get());
  }
}

void read_parameter(Section& section, Scenario& scenario, std::string name) {
  Parameter parameter;
  parameter.name = std::move(name);
  parameter.place = section.place();
  int kinds = 0;
  if (const toml::node* node = section.find("range"); node != nullptr) {
    ++kinds;
    const toml::array* pair = node->as_array();
    const auto* low = pair != nullptr && pair->size() == 2 ? pair->get(0)->as_integer() : nullptr;
    const auto* high = low != nullptr ? pair->get(1)->as_integer() : nullptr;
    if (high == nullptr || low->get() > high->get() || low->get() < -kNumberMax ||
        high->get() > kNumberMax) {
      section.wrong("range", *node, "expected two whole numbers, [lowest, highest]");
    } else {
      parameter.kind = Parameter::Kind::range;
      parameter.from = low->get();
      parameter.to = high->get();
    }
  }
  if (section.raw().contains("choose")) {
    ++kinds;
    parameter.kind = Parameter::Kind::choice;
    section.text_list(
        "choose", "expected a list of texts",
        [&](const toml::node&, std::string_view text) { parameter.choices.emplace_back(text); });
  }
  if (section.raw().contains("text")) {
    ++kinds;
    parameter.kind = Parameter::Kind::text;
    section.integer("text", parameter.length, 1, 4096);
  }
  if (const std::optional<std::int64_t> first = read_integer(section, "count_from")) {
    ++kinds;
    parameter.kind = Parameter::Kind::sequence;
    parameter.from = *first;
  }
  if (section.raw().contains("captured")) {
    ++kinds;
    parameter.kind = Parameter::Kind::captured;
    bool captured = true;
    section.boolean("captured", captured);
  }
  if (kinds != 1) {
    section.messages().error(
        parameter.place, "parameters." + parameter.name,
        "expected one of { range = [1, 1000] }, { choose = [\"a\", \"b\"] }, { text = 12 }, "
        "{ count_from = 1 } or { captured = true }");
  }
  scenario.parameters.push_back(std::move(parameter));
}

void read_budget(Section& section, lb::BudgetConfig& budget) {
  budget.place = section.place();
  section.duration("p50", budget.p50, 1us, 1h);
  section.duration("p99", budget.p99, 1us, 1h);
  section.duration("p999", budget.p999, 1us, 1h);
  section.duration("deadline", budget.deadline, 1us, 1h);
}

// A scalar as JSON writes it.
std::optional<std::string> json_of(const toml::node& node) {
  if (const auto* text = node.as_string()) {
    std::string out;
    append_json_string(out, text->get());
    return out;
  }
  if (const auto* number = node.as_integer()) {
    return std::to_string(number->get());
  }
  if (const auto* boolean = node.as_boolean()) {
    return boolean->get() ? "true" : "false";
  }
  return std::nullopt;
}

void read_json_checks(Section& section, Expectation& expect) {
  for (const auto& [key, node] : section.raw()) {
    section.find(key.str());
    const std::optional<std::string> value = json_of(node);
    if (!value) {
      section.wrong(lb::printable(key.str()), node,
                    "expected \"field\" = text, number or true/false; \"*\" for any value");
      continue;
    }
    expect.json.emplace_back(std::string(key.str()), *value == "\"*\"" ? std::string() : *value);
  }
}

void read_expectation(Section& section, Expectation& expect) {
  if (const toml::node* node = section.find("status"); node != nullptr) {
    const auto take = [&](const toml::node& element) {
      const auto* number = element.as_integer();
      if (number == nullptr || number->get() < 200 || number->get() > 599) {
        section.wrong("status", element, "expected a status from 200 to 599, or a list of them");
        return;
      }
      expect.statuses.push_back(static_cast<std::uint16_t>(number->get()));
    };
    if (const toml::array* list = node->as_array()) {
      for (const toml::node& element : *list) {
        take(element);
      }
    } else {
      take(*node);
    }
  }
  section.table("header", [&](Section& header) { read_pairs(header, expect.headers); });
  section.text("body", expect.body);
  section.table("json", [&](Section& json) { read_json_checks(json, expect); });
}

void read_request(Section& section, ScenarioRequest& request) {
  request.place = section.place();
  section.text("name", request.name);
  section.text("method", request.method);
  section.text("host", request.host);
  section.required("path");
  section.text("path", request.path);
  section.table("headers", [&](Section& headers) { read_pairs(headers, request.headers); });
  section.text("body", request.body);
  section.table("expect", [&](Section& expect) { read_expectation(expect, request.expect); });
}

void read_load(Section& section, ScenarioRequest& request) {
  section.text("route", request.route);
  read_number(section, "rate", request.rate, 0.001, 1e7);
  read_number(section, "weight", request.weight, 0, 1e7);
  section.table("budget", [&](Section& budget) { read_budget(budget, request.budget.emplace()); });
}

void read_setup(Section& section, SetupRequest& setup) {
  read_request(section, setup.request);
  section.integer("repeat", setup.repeat, 1, 100'000);
  section.table("capture", [&](Section& capture) { read_pairs(capture, setup.capture); });
}

}  // namespace

Scenario read_scenario(std::string_view toml, std::string_view file, ConfigMessages& messages) {
  Scenario scenario;
  scenario.file = std::string(file);
  const std::optional<toml::table> root = parse_toml(toml, file, messages);
  if (!root) {
    return scenario;
  }
  Section section(*root, "", messages);
  section.table("scenario", [&](Section& head) {
    head.text("name", scenario.name);
    head.text("target", scenario.target);
    read_number(head, "rate", scenario.rate, 0.001, 1e7);
  });
  section.table("parameters", [&](Section& parameters) {
    for (const auto& [key, node] : parameters.raw()) {
      const std::string name(key.str());
      parameters.table(key.str(), [&](Section& one) { read_parameter(one, scenario, name); });
    }
  });
  section.tables("setup", [&](Section& one) { read_setup(one, scenario.setup.emplace_back()); });
  section.tables("request", [&](Section& one) {
    ScenarioRequest& request = scenario.requests.emplace_back();
    read_request(one, request);
    read_load(one, request);
  });
  section.finish();
  return scenario;
}

std::optional<Scenario> load_scenario(const std::string& path, ConfigMessages& messages) {
  std::ifstream file(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file.is_open() || file.bad()) {
    messages.error({}, "", "cannot be read; give the right file with --scenario");
    return std::nullopt;
  }
  Scenario scenario = read_scenario(text, path, messages);
  if (!messages.has_errors()) {
    check_scenario(scenario, messages);
  }
  if (messages.has_errors()) {
    return std::nullopt;
  }
  return scenario;
}

}  // namespace sk::bench
