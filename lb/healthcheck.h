// Asks a running balancer how it is: for containers whose image has no other program to do it.
#pragma once

#include "net/io/address.h"

#include "lb/config.h"

#include <optional>
#include <string>

namespace sk::lb {

// Where the balancer of this configuration can be asked from this host: the admin listener, else
// the first cleartext one; a wildcard address becomes the loopback.
std::optional<sk::Address> probe_address(const Config& config);

// One request with a limit of two seconds. Nothing: it answered 200. Otherwise what went wrong, in
// a line.
std::optional<std::string> probe(const sk::Address& address, const std::string& path);

}  // namespace sk::lb
