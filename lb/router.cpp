#include "lb/router.h"

#include <algorithm>
#include <array>

namespace sk::lb {
namespace {

constexpr std::size_t kHostBytesMax = 255;

constexpr char lower(char byte) {
  return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

std::string lowered(std::string_view text) {
  std::string result(text);
  std::ranges::transform(result, result.begin(), lower);
  return result;
}

// A configured host as it is compared: lower case, an IPv6 literal without its brackets.
std::string canonical_host(std::string_view host) {
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.ends_with('.')) {
    host.remove_suffix(1);
  }
  return lowered(host);
}

bool is_wildcard(std::string_view host) { return host.starts_with("*."); }

// suffix: ".example.com". At least one more byte must stand before it.
bool is_below(std::string_view host, std::string_view suffix) {
  return host.size() > suffix.size() && host.ends_with(suffix);
}

}  // namespace

Router::Router(const std::vector<RouteConfig>& routes) {
  for (const RouteConfig& route : routes) {
    needs_host_ = needs_host_ || !route.host.empty();
    if (!route.host.empty() && !is_wildcard(route.host)) {
      by_host_.try_emplace(canonical_host(route.host));
    }
  }
  for (std::uint32_t index = 0; index < routes.size(); ++index) {
    const RouteConfig& route = routes[index];
    Rule rule;
    rule.route = index;
    rule.prefix = route.path.ends_with("/*");
    rule.path = route.path.substr(0, route.path.size() - (rule.prefix ? 1 : 0));
    const bool wildcard = is_wildcard(route.host);
    const std::string host = canonical_host(wildcard ? route.host.substr(1) : route.host);
    for (auto& [named, rules] : by_host_) {
      if (host.empty() || (wildcard ? is_below(named, host) : named == host)) {
        rules.push_back(rule);
      }
    }
    if (host.empty() || wildcard) {
      rule.suffix = host;
      other_hosts_.push_back(std::move(rule));
    }
  }
}

std::uint32_t Router::scan(const std::vector<Rule>& rules, std::string_view host,
                           std::string_view path) {
  for (const Rule& rule : rules) {
    const bool path_fits = rule.prefix ? path.starts_with(rule.path) : path == rule.path;
    if (path_fits && (rule.suffix.empty() || is_below(host, rule.suffix))) {
      return rule.route;
    }
  }
  return kNone;
}

std::uint32_t Router::match(std::string_view host, std::string_view path) const {
  // "OPTIONS *" is about the server as a whole; it goes where "/" goes.
  path = path == "*" ? std::string_view("/") : path;
  if (!needs_host_ || host.size() > kHostBytesMax) {
    return scan(other_hosts_, {}, path);
  }
  std::array<char, kHostBytesMax> room;
  std::ranges::transform(host, room.begin(), lower);
  std::string_view name(room.data(), host.size());
  if (name.ends_with('.')) {
    name.remove_suffix(1);
  }
  const auto named = by_host_.find(name);
  return named != by_host_.end() ? scan(named->second, name, path) : scan(other_hosts_, name, path);
}

}  // namespace sk::lb
