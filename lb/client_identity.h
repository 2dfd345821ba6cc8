// Who the client is: the peer, or whom a trusted peer names in X-Forwarded-For.
#pragma once

#include "net/http/exchange.h"

#include "lb/config.h"

namespace sk::lb {

// True if the peer's own forwarding fields are believed.
bool is_trusted(const Peer& peer, const ListenerConfig& listener);

// Sets exchange.remote: behind trusted proxies the right-most address that is not one of them
// (RFC 7239 section 7.4 says why not the left-most), otherwise the peer. Views point into the head.
void identify_client(Exchange& exchange, const ListenerConfig& listener);

}  // namespace sk::lb
