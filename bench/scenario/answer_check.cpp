#include "bench/scenario/answer_check.h"

#include "lb/config_messages.h"

#include <simdjson.h>

#include <algorithm>

namespace sk::bench {
namespace {

// "items.0.id" as the JSON pointer "/items/0/id".
std::string pointer_of(std::string_view path) {
  std::string pointer = "/";
  for (const char c : path) {
    if (c == '.') {
      pointer += '/';
    } else if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

}  // namespace

struct AnswerCheck::Json {
  simdjson::dom::parser parser;

  // The element as JSON writes it.
  std::optional<std::string> at(std::string_view json, std::string_view path) {
    simdjson::dom::element document;
    simdjson::dom::element found;
    if (parser.parse(json.data(), json.size()).get(document) != simdjson::SUCCESS ||
        document.at_pointer(pointer_of(path)).get(found) != simdjson::SUCCESS) {
      return std::nullopt;
    }
    return simdjson::minify(found);
  }
};

AnswerCheck::AnswerCheck() : json_(std::make_unique<Json>()) {}
AnswerCheck::~AnswerCheck() = default;

bool AnswerCheck::status_expected(const Expectation& expect, std::uint16_t status) {
  if (expect.statuses.empty()) {
    return status >= 200 && status < 400;
  }
  return std::ranges::find(expect.statuses, status) != expect.statuses.end();
}

std::string AnswerCheck::wrong(const Expectation& expect, const Answer& answer) {
  if (!status_expected(expect, answer.head.status)) {
    std::string text = "answered " + std::to_string(answer.head.status) + ", expected ";
    for (std::size_t i = 0; i < expect.statuses.size(); ++i) {
      text += (i > 0 ? " or " : "") + std::to_string(expect.statuses[i]);
    }
    return text + (expect.statuses.empty() ? "200 to 399" : "");
  }
  for (const auto& [name, value] : expect.headers) {
    const HeaderField* field = answer.head.fields.find(std::string_view(name));
    if (field == nullptr) {
      return "has no header field " + lb::in_quotes(name);
    }
    if (field->value() != value) {
      return "header field " + lb::in_quotes(name) + " is " + lb::in_quotes(field->value()) +
             ", expected " + lb::in_quotes(value);
    }
  }
  if (!expect.body.empty() && answer.body.find(expect.body) == std::string_view::npos) {
    return "body does not hold " + lb::in_quotes(expect.body) + "; it begins " +
           lb::in_quotes(answer.body.substr(0, 60));
  }
  for (const auto& [path, value] : expect.json) {
    const std::optional<std::string> found = json_->at(answer.body, path);
    if (!found) {
      return "has no JSON field " + lb::in_quotes(path);
    }
    if (!value.empty() && *found != value) {
      return "JSON field " + lb::in_quotes(path) + " is " + *found + ", expected " + value;
    }
  }
  return {};
}

std::optional<std::string> AnswerCheck::field(std::string_view json, std::string_view path) {
  std::optional<std::string> found = json_->at(json, path);
  if (found && found->size() >= 2 && found->front() == '"') {
    *found = found->substr(1, found->size() - 2);
  }
  return found;
}

}  // namespace sk::bench
