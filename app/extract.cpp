#include "app/extract.h"

#include "net/http/ascii.h"

namespace sk::app::extract_detail {

Problem bad_input(std::uint16_t status, std::string_view what, std::vector<FieldError> errors) {
  Problem problem;
  problem.status = status;
  problem.detail = std::string(what) + " is wrong: " + errors[0].field + ' ' + errors[0].message;
  if (errors.size() > 1) {
    problem.detail += ", and more";
  }
  problem.detail += '.';
  problem.errors = std::move(errors);
  return problem;
}

Problem bad_path_param(const Context& context, std::size_t index, std::uint16_t status,
                       std::string message) {
  const std::string_view raw = context.path_params().values[index];
  std::vector<FieldError> errors;
  errors.push_back(
      FieldError{.field = std::string(context.path_param_name(index)),
                 .in = "path",
                 .position = static_cast<std::uint64_t>(raw.data() - context.path().data()),
                 .line = std::nullopt,
                 .column = std::nullopt,
                 .message = std::move(message)});
  return bad_input(status, "The path", std::move(errors));
}

Problem bad_header(std::string_view name, std::string message) {
  std::vector<FieldError> errors;
  errors.push_back(FieldError{.field = std::string(name),
                              .in = "header",
                              .position = std::nullopt,
                              .line = std::nullopt,
                              .column = std::nullopt,
                              .message = std::move(message)});
  return bad_input(422, "A header field", std::move(errors));
}

std::optional<Problem> check_json_type(const Context& context) {
  const std::string_view full = context.header(HeaderId::content_type);
  const std::string_view type = trim_ows(full.substr(0, full.find(';')));
  // curl -d says "application/x-www-form-urlencoded" whatever it sends: taken as if nothing were
  // said.
  if (type.empty() || iequals(type, "application/json") ||
      iequals(type, "application/x-www-form-urlencoded") ||
      (type.size() > 5 && iequals(type.substr(type.size() - 5), "+json"))) {
    return std::nullopt;
  }
  Problem problem = bad_header("Content-Type", "must be application/json");
  problem.status = 415;
  return problem;
}

}  // namespace sk::app::extract_detail
