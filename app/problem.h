// Problem documents (RFC 9457): every error answer of the runtime has this form.
//
//   {"type":"about:blank","title":"Unprocessable Content","status":422,"detail":"...",
//    "instance":"/v1/items","errors":[{"field":"name","in":"body","position":8,"line":1,"column":9,
//    "message":"must be a string, not a number"}]}
//
// A handler returns problem(404, "no such item") or throws HttpError from deeper down.
#pragma once

#include "net/core/result.h"
#include "net/http/expiry.h"

#include "app/field_error.h"
#include "app/response.h"

#include <chrono>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sk::app {

inline constexpr std::string_view kProblemType = "application/problem+json";

struct Problem {
  std::uint16_t status = 500;
  std::string title;  // empty: the status' reason phrase
  std::string detail;
  std::string type;      // empty: about:blank
  std::string instance;  // empty: left out; the runtime sets the request's path
  std::optional<std::chrono::seconds> retry_after;  // also sent as Retry-After
  std::string allow;  // not in the document: the value of Allow, for 405
  std::vector<FieldError> errors;
  std::optional<Expiry> expiry;  // 504: the deadline that passed

  [[nodiscard]] Response to_response() const;
};

// The document for an Error that reached the runtime from a database, a cache or a wait: 503 with
// Retry-After for what may pass (away, overloaded), 504 for deadlines, 500 otherwise. The Error's
// text goes to the log, not to the client.
[[nodiscard]] Problem problem_of(const Error& error);

[[nodiscard]] Response problem(std::uint16_t status, std::string detail);
[[nodiscard]] Response problem(std::uint16_t status, std::string detail, FieldError error);

// Thrown by application code; the runtime answers with its problem.
class HttpError : public std::exception {
 public:
  explicit HttpError(Problem problem) : problem_(std::move(problem)) {}
  HttpError(std::uint16_t status, std::string detail) {
    problem_.status = status;
    problem_.detail = std::move(detail);
  }

  [[nodiscard]] const Problem& problem() const { return problem_; }
  [[nodiscard]] const char* what() const noexcept override { return problem_.detail.c_str(); }

 private:
  Problem problem_;
};

}  // namespace sk::app
