// Writes the answers that the balancer gives by itself.
#pragma once

#include "net/http/exchange.h"
#include "net/http/expiry.h"

#include "lb/own_answer.h"

#include <optional>
#include <string_view>

namespace sk::lb {

// What an answer may say beside its kind.
struct ProblemDetails {
  std::string_view detail = {};         // more words for the client
  std::optional<Expiry> expiry = {};    // the deadline that passed
  std::string_view server_timing = {};  // value of a Server-Timing field
};

// A problem document (RFC 9457) with Proxy-Status and, where it fits, Retry-After. The exchange
// must not have been answered yet.
void respond_problem(Exchange& exchange, OwnAnswer answer, const ProblemDetails& details = {});

// A short JSON document; content must live for the whole program.
void respond_json(Exchange& exchange, std::uint16_t status, std::string_view content);

// Any text with its own type, such as metrics.
void respond_text(Exchange& exchange, std::uint16_t status, std::string_view content_type,
                  std::string_view content);

}  // namespace sk::lb
