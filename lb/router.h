// Router: which route answers a request. Host, then path; routes in file order, the first wins.
//
// Immutable once made, shared by all threads, asked without allocating. A route without a host
// matches every host; "*.example.com" matches any name below example.com, not example.com itself;
// hosts are compared without case, port and final dot. "/v1/*" matches whatever begins with "/v1/";
// a path without star matches exactly. Query strings play no part.
#pragma once

#include "lb/config.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sk::lb {

class Router {
 public:
  // The routes' order is their index in what match() returns.
  explicit Router(const std::vector<RouteConfig>& routes);

  static constexpr std::uint32_t kNone = UINT32_MAX;

  // host: without port ("api.example.com", "::1"); may be empty. path: normalised, begins with '/',
  // or "*". Returns the route's index or kNone.
  std::uint32_t match(std::string_view host, std::string_view path) const;

 private:
  struct Rule {
    std::string suffix;  // of the host, ".example.com"; empty: no condition left
    std::string path;    // without the star
    bool prefix = false;
    std::uint32_t route = 0;
  };
  struct Lowered {
    using is_transparent = void;
    std::size_t operator()(std::string_view host) const {
      return std::hash<std::string_view>()(host);
    }
  };

  static std::uint32_t scan(const std::vector<Rule>& rules, std::string_view host,
                            std::string_view path);

  // For each host that a route names exactly: all rules that can match it. The host condition is
  // decided already, so these are scanned by path only.
  std::unordered_map<std::string, std::vector<Rule>, Lowered, std::equal_to<>> by_host_;
  std::vector<Rule> other_hosts_;
  bool needs_host_ = false;  // any route that has a host
};

}  // namespace sk::lb
