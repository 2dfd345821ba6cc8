// Target: whom the generator loads, as a URL says it.
#pragma once

#include "net/core/result.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace sk::bench {

struct Target {
  std::string url;   // as given, for messages
  bool tls = false;  // https
  std::string host;  // name or address, without the brackets of an IPv6 literal
  std::uint16_t port = 0;
  std::string authority;  // what stands in Host

  // "http://127.0.0.1:7500", "https://localhost:8443", "http://[::1]:80". An Error's detail says
  // what was expected. Neither path nor query nor user: those are the scenario's.
  [[nodiscard]] static Result<Target> parse(std::string_view url);
};

}  // namespace sk::bench
