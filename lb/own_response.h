// Writes the answers that the balancer gives by itself.
#pragma once

#include "net/http/exchange.h"

#include "lb/own_answer.h"

#include <string_view>

namespace sk::lb {

// A problem document (RFC 9457) with Proxy-Status and, where it fits, Retry-After. detail: more
// words for the client, or empty. The exchange must not have been answered yet.
void respond_problem(Exchange& exchange, OwnAnswer answer, std::string_view detail = {});

// A short JSON document; content must live for the whole program.
void respond_json(Exchange& exchange, std::uint16_t status, std::string_view content);

// Any text with its own type, such as metrics.
void respond_text(Exchange& exchange, std::uint16_t status, std::string_view content_type,
                  std::string_view content);

}  // namespace sk::lb
