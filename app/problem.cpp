#include "app/problem.h"

#include "net/core/json_text.h"

namespace sk::app {
namespace {

// ,"name":"value" (without the comma at the start of an object)
void add_text(std::string& out, std::string_view name, std::string_view value) {
  if (out.back() != '{') {
    out += ',';
  }
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

void add_number(std::string& out, std::string_view name, std::uint64_t value) {
  out += ',';
  append_json_string(out, name);
  out += ':';
  write_json(out, value);
}

void add_errors(std::string& out, const std::vector<FieldError>& errors) {
  out += ",\"errors\":[";
  for (const FieldError& error : errors) {
    if (out.back() != '[') {
      out += ',';
    }
    out += '{';
    add_text(out, "field", error.field);
    add_text(out, "in", error.in);
    if (error.position) {
      add_number(out, "position", *error.position);
    }
    if (error.line) {
      add_number(out, "line", *error.line);
    }
    if (error.column) {
      add_number(out, "column", *error.column);
    }
    add_text(out, "message", error.message);
    out += '}';
  }
  out += ']';
}

}  // namespace

Response Problem::to_response() const {
  std::string body = "{";
  add_text(body, "type", type.empty() ? "about:blank" : type);
  add_text(body, "title", title.empty() ? reason_phrase(status) : title);
  add_number(body, "status", status);
  if (!detail.empty()) {
    add_text(body, "detail", detail);
  }
  if (!instance.empty()) {
    add_text(body, "instance", instance);
  }
  if (!errors.empty()) {
    add_errors(body, errors);
  }
  if (expiry) {
    append_members(body, *expiry);
  }
  body += '}';
  Response response(status, kProblemType, std::move(body));
  if (retry_after) {
    response.header(HeaderId::retry_after, std::to_string(retry_after->count()));
  }
  if (!allow.empty()) {
    response.header(HeaderId::allow, allow);
  }
  return response;
}

Problem problem_of(const Error& error) {
  Problem problem;
  switch (error.code) {
    case ErrorCode::unavailable:
    case ErrorCode::refused:
    case ErrorCode::unreachable:
    case ErrorCode::closed:
    case ErrorCode::reset:
    case ErrorCode::permission:
      problem.status = 503;
      problem.detail = "A service this request needs is away. Try again shortly.";
      problem.retry_after = std::chrono::seconds(1);
      break;
    case ErrorCode::overloaded:
      problem.status = 503;
      problem.detail = "The service is at its limit. Try again shortly.";
      problem.retry_after = std::chrono::seconds(1);
      break;
    case ErrorCode::deadline:
    case ErrorCode::timeout:
      problem.status = 504;
      problem.detail = "The request took longer than its deadline allows.";
      break;
    case ErrorCode::too_large:
      problem.status = 413;
      problem.detail = "The request body is larger than this route accepts.";
      break;
    case ErrorCode::not_found:
      problem.status = 404;
      break;
    case ErrorCode::conflict:
      problem.status = 409;
      break;
    default:
      problem.status = 500;
      problem.detail = "The service made a mistake; it has been logged.";
      break;
  }
  return problem;
}

Response problem(std::uint16_t status, std::string detail) {
  Problem problem;
  problem.status = status;
  problem.detail = std::move(detail);
  return problem.to_response();
}

Response problem(std::uint16_t status, std::string detail, FieldError error) {
  Problem problem;
  problem.status = status;
  problem.detail = std::move(detail);
  problem.errors.push_back(std::move(error));
  return problem.to_response();
}

}  // namespace sk::app
