// Who may see where a request's time went: the rules for Server-Timing.
#pragma once

#include "net/http/exchange.h"

#include "lb/config.h"

#include <string_view>

namespace sk::lb {

// True where the answer shall carry Server-Timing. Takes the field with the secret out of the
// request, so that no endpoint and no log of one learns it.
bool admit_timing(Exchange& exchange, const ListenerConfig& listener, const ServerConfig& server);

// Takes as long for a wrong secret as for the right one of that size.
bool same_secret(std::string_view given, std::string_view secret);

}  // namespace sk::lb
