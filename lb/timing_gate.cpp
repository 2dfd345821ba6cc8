#include "lb/timing_gate.h"

namespace sk::lb {
namespace {

constexpr HeaderIdSet kProxyMarks{HeaderId::forwarded, HeaderId::x_forwarded_for, HeaderId::via,
                                  HeaderId::x_real_ip};

// From this machine, as far as one can see: a proxy that passes on requests of others leaves marks.
bool is_local(const Exchange& exchange) {
  const std::string_view address = exchange.peer.address;
  const bool loopback = address == "::1" || address == "unix" || address.starts_with("127.") ||
                        address.starts_with("::ffff:127.");
  return loopback && !exchange.request.fields.has_any(kProxyMarks);
}

}  // namespace

bool same_secret(std::string_view given, std::string_view secret) {
  if (given.size() != secret.size()) {
    return false;
  }
  unsigned difference = 0;
  for (std::size_t index = 0; index < secret.size(); ++index) {
    difference |=
        static_cast<unsigned char>(given[index]) ^ static_cast<unsigned char>(secret[index]);
  }
  return difference == 0;
}

bool admit_timing(Exchange& exchange, const ListenerConfig& listener, const ServerConfig& server) {
  bool knows_secret = false;
  Fields& fields = exchange.request.fields;
  if (fields.has(HeaderId::sidekick_timing)) {
    knows_secret = !server.timing_secret.empty() &&
                   same_secret(fields.get(HeaderId::sidekick_timing), server.timing_secret);
    fields.remove(HeaderId::sidekick_timing);
  }
  switch (listener.server_timing) {
    case ServerTiming::off:
      return false;
    case ServerTiming::secret:
      return knows_secret;
    case ServerTiming::loopback:
      return knows_secret || is_local(exchange);
  }
  return false;
}

}  // namespace sk::lb
