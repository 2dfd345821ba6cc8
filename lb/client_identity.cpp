#include "lb/client_identity.h"

#include <algorithm>

namespace sk::lb {
namespace {

// More hops than this are nobody's architecture.
constexpr int kHopsMax = 16;

bool contains(const std::vector<Network>& networks, std::string_view address) {
  const auto bytes = parse_ip(address);
  return bytes && std::ranges::any_of(
                      networks, [&](const Network& network) { return network.contains(*bytes); });
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  const std::size_t last = text.find_last_not_of(" \t");
  return first == std::string_view::npos ? std::string_view()
                                         : text.substr(first, last - first + 1);
}

}  // namespace

bool is_trusted(const Peer& peer, const ListenerConfig& listener) {
  return !listener.trusted_proxies.empty() && contains(listener.trusted_proxies, peer.address);
}

void identify_client(Exchange& exchange, const ListenerConfig& listener) {
  exchange.remote = exchange.peer;
  if (!is_trusted(exchange.peer, listener)) {
    return;
  }
  // From the last field to the first, in each from right to left.
  int hops = 0;
  const std::span<const HeaderField> fields = exchange.request.fields.all();
  for (std::size_t index = fields.size(); index-- > 0;) {
    if (fields[index].id() != HeaderId::x_forwarded_for) {
      continue;
    }
    std::string_view list = fields[index].value();
    while (!list.empty() && ++hops <= kHopsMax) {
      const std::size_t comma = list.rfind(',');
      const std::string_view hop =
          trimmed(comma == std::string_view::npos ? list : list.substr(comma + 1));
      list = comma == std::string_view::npos ? std::string_view() : list.substr(0, comma);
      if (!parse_ip(hop)) {
        return;  // whatever stands further left was not checked by anybody
      }
      exchange.remote.address = hop;
      exchange.remote.port = 0;
      if (!contains(listener.trusted_proxies, hop)) {
        return;
      }
    }
  }
}

}  // namespace sk::lb
