#include "app/json_reader.h"

#include "net/core/nearest_name.h"

#include "app/json_check.h"

#include <simdjson.h>

#include <cstring>
#include <utility>

namespace sk::app {
namespace {

namespace sj = simdjson::ondemand;

std::string_view type_name(sj::json_type type) {
  switch (type) {
    case sj::json_type::array:
      return "an array";
    case sj::json_type::object:
      return "an object";
    case sj::json_type::number:
      return "a number";
    case sj::json_type::string:
      return "a string";
    case sj::json_type::boolean:
      return "true or false";
    case sj::json_type::null:
      return "null";
    default:
      return "something else";
  }
}

// One step from the root to the current value: a member's name, or an element's index.
struct Step {
  std::string_view name;
  std::size_t index = 0;
  bool is_member = true;
};

}  // namespace

// Invariant: value_ is the value the walk stands at, or null at a root that is neither object nor
// array; broken_ is set once simdjson found the text malformed, and nothing is read after that.
struct JsonReader::Walk {
  sj::parser parser;
  sj::document document;
  std::string padded;  // a copy of the text where the caller's has no room behind it
  std::string_view text;
  sj::value* value = nullptr;
  std::array<Step, kJsonDepthMax> steps;
  std::size_t depth = 0;
  bool broken = false;
  std::vector<FieldError> errors;

  [[nodiscard]] std::uint32_t offset_of(const char* at) const {
    return static_cast<std::uint32_t>(at - text.data());
  }

  [[nodiscard]] std::string path() const {
    std::string out;
    for (std::size_t i = 0; i < depth; ++i) {
      const Step& step = steps[i];
      if (step.is_member) {
        out += out.empty() ? "" : ".";
        out += step.name;
      } else {
        out += '[' + std::to_string(step.index) + ']';
      }
    }
    return out;
  }

  [[nodiscard]] std::string_view token() {
    if (value != nullptr) {
      return value->raw_json_token();
    }
    std::string_view root;
    if (document.raw_json_token().get(root) != simdjson::SUCCESS) {
      return text.substr(0, 0);
    }
    return root;
  }

  bool fail_type(std::string_view wanted) {
    sj::json_type type{};
    const auto error = value != nullptr ? value->type().get(type) : document.type().get(type);
    if (error != simdjson::SUCCESS) {
      broken = true;
      return false;
    }
    std::string message = "must be ";
    message += wanted;
    message += ", not ";
    message += type_name(type);
    add(path(), offset_of(token().data()), std::move(message));
    return false;
  }

  // A getter's verdict: INCORRECT_TYPE is the client's mistake about a value, the rest is about
  // JSON.
  bool check(simdjson::error_code error, std::string_view wanted) {
    if (error == simdjson::SUCCESS) {
      return true;
    }
    if (error == simdjson::INCORRECT_TYPE) {
      return fail_type(wanted);
    }
    broken = true;
    return false;
  }

  void add(std::string field, std::uint32_t offset, std::string message) {
    if (errors.size() < kFieldErrorsMax) {
      errors.push_back(
          body_error(field.empty() ? "body" : std::move(field), text, offset, std::move(message)));
    }
  }

  // A number that is not what was wanted: tells a fraction from a range. True is never returned.
  bool fail_number(std::string range) {
    sj::json_type type{};
    if (value->type().get(type) != simdjson::SUCCESS) {
      broken = true;
      return false;
    }
    if (type != sj::json_type::number) {
      return fail_type("a whole number");
    }
    const std::string_view number = token().substr(0, token().find_first_of(" \t\r\n,]}"));
    const bool whole = number.find_first_of(".eE") == std::string_view::npos;
    add(path(), offset_of(number.data()),
        whole ? std::move(range) : "must be a whole number, without fraction or exponent");
    return false;
  }
};

JsonReader::JsonReader() : walk_(std::make_unique<Walk>()) {}
JsonReader::~JsonReader() = default;

bool JsonReader::start(std::string_view text, std::size_t readable_bytes) {
  Walk& walk = *walk_;
  walk.errors.clear();
  walk.depth = 0;
  walk.value = nullptr;
  walk.text = text;
  if (readable_bytes < text.size() + kPaddingBytes) {
    walk.padded.reserve(text.size() + kPaddingBytes);
    walk.padded.assign(text);
    walk.padded.append(kPaddingBytes, ' ');
    walk.text = std::string_view(walk.padded).substr(0, text.size());
    readable_bytes = walk.padded.size();
  }
  // A byte order mark is not JSON (RFC 8259, section 8.1); simdjson would step over it.
  walk.broken =
      text.starts_with("\xef\xbb\xbf") ||
      walk.parser.iterate(walk.text, readable_bytes).get(walk.document) != simdjson::SUCCESS;
  return !walk.broken;
}

ReadOutcome JsonReader::finish(std::vector<FieldError>& errors) {
  Walk& walk = *walk_;
  const bool clean = !walk.broken && walk.errors.empty() && walk.document.at_end();
  if (clean) {
    return ReadOutcome::ok;
  }
  // Something is wrong: is it JSON at all? That mistake outranks whatever else was found.
  if (auto mistake = find_json_mistake(walk.text)) {
    errors.push_back(body_error(mistake->field.empty() ? "body" : std::move(mistake->field),
                                walk.text, mistake->offset, std::move(mistake->message)));
    return ReadOutcome::malformed;
  }
  errors = std::move(walk.errors);
  walk.errors.clear();
  if (errors.empty()) {
    errors.push_back(body_error("body", walk.text, 0, "cannot be read"));
    return ReadOutcome::malformed;
  }
  return ReadOutcome::invalid;
}

bool JsonReader::read_bool(bool& out) {
  Walk& walk = *walk_;
  if (walk.value == nullptr || walk.broken) {
    return walk.value == nullptr && walk.fail_type("true or false");
  }
  return walk.check(walk.value->get_bool().get(out), "true or false");
}

bool JsonReader::read_signed(std::int64_t& out, std::int64_t min, std::int64_t max) {
  Walk& walk = *walk_;
  if (walk.value == nullptr || walk.broken) {
    return walk.value == nullptr && walk.fail_type("a whole number");
  }
  const auto error = walk.value->get_int64().get(out);
  if (error != simdjson::SUCCESS || out < min || out > max) {
    std::string range = "must be between " + std::to_string(min) + " and " + std::to_string(max);
    if (error == simdjson::SUCCESS) {
      walk.add(walk.path(), walk.offset_of(walk.token().data()), std::move(range));
      return false;
    }
    return walk.fail_number(std::move(range));
  }
  return true;
}

bool JsonReader::read_unsigned(std::uint64_t& out, std::uint64_t max) {
  Walk& walk = *walk_;
  if (walk.value == nullptr || walk.broken) {
    return walk.value == nullptr && walk.fail_type("a whole number");
  }
  const auto error = walk.value->get_uint64().get(out);
  if (error != simdjson::SUCCESS || out > max) {
    std::string range = "must be between 0 and " + std::to_string(max);
    if (error == simdjson::SUCCESS) {
      walk.add(walk.path(), walk.offset_of(walk.token().data()), std::move(range));
      return false;
    }
    return walk.fail_number(std::move(range));
  }
  return true;
}

bool JsonReader::read_double(double& out) {
  Walk& walk = *walk_;
  if (walk.value == nullptr || walk.broken) {
    return walk.value == nullptr && walk.fail_type("a number");
  }
  const auto error = walk.value->get_double().get(out);
  if (error == simdjson::NUMBER_ERROR || error == simdjson::NUMBER_OUT_OF_RANGE) {
    sj::json_type type{};
    if (walk.value->type().get(type) == simdjson::SUCCESS && type == sj::json_type::number) {
      walk.add(walk.path(), walk.offset_of(walk.token().data()), "is too large for a number");
      return false;
    }
    return walk.fail_type("a number");
  }
  return walk.check(error, "a number");
}

bool JsonReader::read_string(std::string& out) {
  Walk& walk = *walk_;
  if (walk.value == nullptr || walk.broken) {
    return walk.value == nullptr && walk.fail_type("a string");
  }
  std::string_view text;
  if (!walk.check(walk.value->get_string().get(text), "a string")) {
    return false;
  }
  out.assign(text);
  return true;
}

bool JsonReader::read_timestamp(Timestamp& out) {
  const std::uint32_t at = position();
  std::string text;
  if (!read_string(text)) {
    return false;
  }
  const std::optional<Timestamp> time = parse_timestamp(text);
  if (!time) {
    walk_->add(walk_->path(), at, "must be a time such as 2026-01-31T09:05:07Z (RFC 3339)");
    return false;
  }
  out = *time;
  return true;
}

bool JsonReader::read_raw(std::string& out) {
  Walk& walk = *walk_;
  if (walk.broken) {
    return false;
  }
  std::string_view text;
  const auto error =
      walk.value != nullptr ? walk.value->raw_json().get(text) : walk.document.raw_json().get(text);
  if (error != simdjson::SUCCESS) {
    walk.broken = true;
    return false;
  }
  while (!text.empty() && std::strchr(" \t\r\n", text.back()) != nullptr) {
    text.remove_suffix(1);
  }
  // On-Demand steps over a value without looking at what is inside.
  if (find_json_mistake(text)) {
    walk.broken = true;
    return false;
  }
  out.assign(text);
  return true;
}

bool JsonReader::take_null() {
  Walk& walk = *walk_;
  if (walk.value == nullptr || walk.broken) {
    return false;
  }
  bool null = false;
  return walk.value->is_null().get(null) == simdjson::SUCCESS && null;
}

std::uint32_t JsonReader::position() const {
  return walk_->broken ? 0 : walk_->offset_of(walk_->token().data());
}

void JsonReader::record(std::string_view name, std::uint32_t offset, std::string message) {
  if (walk_->broken) {
    return;
  }
  std::string field = walk_->path();
  if (!name.empty()) {
    field += field.empty() ? "" : ".";
    field += name;
  }
  walk_->add(std::move(field), offset, std::move(message));
}

void JsonReader::record_unknown(std::string_view name, std::span<const std::string_view> known) {
  std::string message = "is not a known field";
  const std::string_view near = nearest_name(name, known);
  if (!near.empty()) {
    message += "; did you mean ";
    message += near;
    message += '?';
  } else {
    message += "; known are";
    for (const std::string_view field : known) {
      message += ' ';
      message += field;
    }
  }
  record({}, position(), std::move(message));
}

bool JsonReader::walk_object(void* context, void (*on_member)(void*, std::string_view)) {
  Walk& walk = *walk_;
  if (walk.broken) {
    return false;
  }
  sj::object object;
  const auto error = walk.value != nullptr ? walk.value->get_object().get(object)
                                           : walk.document.get_object().get(object);
  if (!walk.check(error, "an object")) {
    return false;
  }
  if (walk.depth == walk.steps.size()) {
    walk.broken = true;
    return false;
  }
  sj::value* const outer = walk.value;
  Step& step = walk.steps[walk.depth++];
  for (auto member : object) {
    sj::value value;
    step = Step{};
    if (member.unescaped_key().get(step.name) != simdjson::SUCCESS ||
        member.value().get(value) != simdjson::SUCCESS) {
      walk.broken = true;
      break;
    }
    walk.value = &value;
    on_member(context, step.name);
    if (walk.broken) {
      break;
    }
  }
  walk.value = outer;
  --walk.depth;
  return !walk.broken;
}

bool JsonReader::walk_array(void* context, void (*on_element)(void*)) {
  Walk& walk = *walk_;
  if (walk.broken) {
    return false;
  }
  sj::array array;
  const auto error = walk.value != nullptr ? walk.value->get_array().get(array)
                                           : walk.document.get_array().get(array);
  if (!walk.check(error, "an array")) {
    return false;
  }
  if (walk.depth == walk.steps.size()) {
    walk.broken = true;
    return false;
  }
  sj::value* const outer = walk.value;
  Step& step = walk.steps[walk.depth++];
  std::size_t index = 0;
  for (auto element : array) {
    sj::value value;
    step = Step{.name = {}, .index = index++, .is_member = false};
    if (element.get(value) != simdjson::SUCCESS) {
      walk.broken = true;
      break;
    }
    walk.value = &value;
    on_element(context);
    if (walk.broken) {
      break;
    }
  }
  walk.value = outer;
  --walk.depth;
  return !walk.broken;
}

}  // namespace sk::app
