#include "lb/own_answer.h"

#include <array>

namespace sk::lb {
namespace {

// In the order of the enum.
constexpr std::array<OwnAnswerText, kOwnAnswers> kTexts = {{
    {"no_route", 404, "No route for this host and path", "", 0},
    {"no_worker", 503, "Nothing is ready to answer this", "destination_unavailable", 1},
    {"overloaded", 503, "Too many requests at once", "connection_limit_reached", 1},
    {"refused", 502, "The service refused the request", "connection_refused", 0},
    {"unreachable", 502, "The service cannot be reached", "destination_ip_unroutable", 0},
    {"connect_timeout", 504, "The service could not be reached in time", "connection_timeout", 0},
    {"response_timeout", 504, "The service did not answer in time", "http_response_timeout", 0},
    {"deadline", 504, "The request took longer than this route allows", "http_response_timeout", 0},
    {"connection_lost", 502, "The service broke off before it answered", "connection_terminated",
     0},
    {"bad_response", 502, "The service's answer was not valid", "http_protocol_error", 0},
    {"body_too_large", 413, "The request body is too large", "", 0},
    {"body_timeout", 408, "The request body did not arrive in time", "", 0},
    {"body_malformed", 400, "The request body is malformed", "", 0},
    {"header_too_large", 431, "The request head is too large for the service", "", 0},
    {"upgrade_refused", 400, "This upgrade is not possible here", "", 0},
    {"draining", 503, "The service is stopping", "destination_unavailable", 1},
    {"internal", 500, "Internal error", "proxy_internal_error", 0},
}};

}  // namespace

const OwnAnswerText& text_of(OwnAnswer answer) { return kTexts[static_cast<std::size_t>(answer)]; }

OwnAnswer answer_for(const Error& error, bool connecting) {
  switch (error.code) {
    case ErrorCode::deadline:
      return OwnAnswer::deadline;
    case ErrorCode::timeout:
      return connecting ? OwnAnswer::connect_timeout : OwnAnswer::response_timeout;
    case ErrorCode::closed:
    case ErrorCode::reset:
      return OwnAnswer::connection_lost;
    case ErrorCode::refused:
      return OwnAnswer::refused;
    case ErrorCode::unreachable:
    case ErrorCode::not_found:
    case ErrorCode::permission:
      return OwnAnswer::unreachable;
    case ErrorCode::overloaded:
      return OwnAnswer::overloaded;
    case ErrorCode::unavailable:
      return OwnAnswer::no_worker;
    case ErrorCode::malformed:
    case ErrorCode::too_large:
    case ErrorCode::unsupported:
      return OwnAnswer::bad_response;
    case ErrorCode::cancelled:
    case ErrorCode::address_in_use:
    case ErrorCode::conflict:
    case ErrorCode::internal:
      break;
  }
  return OwnAnswer::internal;
}

}  // namespace sk::lb
