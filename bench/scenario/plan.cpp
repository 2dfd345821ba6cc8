#include "bench/scenario/plan.h"

#include "net/core/nearest_name.h"

#include <algorithm>
#include <utility>

namespace sk::bench {
namespace {

bool falls_on(const lb::RouteConfig& route, std::string_view path) {
  path = path.substr(0, path.find('?'));
  const std::string_view pattern = route.path;
  if (pattern.ends_with('*')) {
    return path.starts_with(pattern.substr(0, pattern.size() - 1));
  }
  return path == pattern;
}

bool same_host(const lb::RouteConfig& route, const ScenarioRequest& request) {
  return route.host.empty() || route.host == request.host;
}

std::string name_of(const lb::RouteConfig& route) { return route.host + route.path; }

const lb::RouteConfig* route_of(const lb::Config& config, const ScenarioRequest& request) {
  for (const lb::RouteConfig& route : config.routes) {
    if (request.route.empty() ? same_host(route, request) && falls_on(route, request.path)
                              : request.route == route.path || request.route == name_of(route)) {
      return &route;  // the first match wins, as in the balancer
    }
  }
  return nullptr;
}

Scenario scenario_of(const lb::Config& config) {
  Scenario scenario;
  for (const lb::RouteConfig& route : config.routes) {
    if (!route.budget) {
      continue;
    }
    ScenarioRequest request;
    request.name = name_of(route);
    request.route = name_of(route);
    // "*.example.com": some host below it.
    request.host = route.host.starts_with('*') ? "bench" + route.host.substr(1) : route.host;
    request.path = route.path;
    if (request.path.ends_with('*')) {
      request.path.pop_back();
    }
    request.budget = route.budget;
    request.place = route.budget->place;
    const auto same = [&](const ScenarioRequest& other) { return other.name == request.name; };
    if (std::ranges::none_of(scenario.requests, same)) {
      scenario.requests.push_back(std::move(request));
    }
  }
  return scenario;
}

// The budget and the rate that the configuration states for a request.
void take_from_route(ScenarioRequest& request, const lb::Config* config,
                     lb::ConfigMessages& messages) {
  const lb::RouteConfig* route = config != nullptr ? route_of(*config, request) : nullptr;
  if (!request.route.empty() && route == nullptr) {
    std::vector<std::string> names;
    if (config != nullptr) {
      std::ranges::transform(config->routes, std::back_inserter(names), name_of);
    }
    const std::vector<std::string_view> known(names.begin(), names.end());
    messages.error(request.place, "request.route",
                   config == nullptr
                       ? lb::in_quotes(request.route) +
                             " is a route of sidekick.toml: give the file with --config"
                       : "there is no route " + lb::in_quotes(request.route) + " in " +
                             config->file + lb::did_you_mean(nearest_name(request.route, known)));
    return;
  }
  if (route == nullptr || !route->budget) {
    if (!request.route.empty() && !request.budget) {
      messages.error(request.place, "request.route",
                     "route " + lb::in_quotes(request.route) + " states no budget in " +
                         config->file + "; add one there, or a budget here");
    }
    return;
  }
  if (!request.budget) {
    request.budget = route->budget;
  }
  if (request.rate <= 0 && route->budget->rate) {
    request.rate = *route->budget->rate;
  }
}

}  // namespace

std::optional<Scenario> make_plan(std::optional<Scenario> scenario, const lb::Config* config,
                                  double rate, bool budgets_needed, lb::ConfigMessages& messages) {
  const bool from_config = !scenario;
  if (from_config) {
    if (config == nullptr) {
      messages.error({}, "", "nothing to send: give --config or --scenario");
      return std::nullopt;
    }
    scenario = scenario_of(*config);
    if (scenario->requests.empty()) {
      messages.error(
          {}, "route.budget",
          "no route states a budget; add budget = { p99 = \"40ms\", rate = 100 } to one");
      return std::nullopt;
    }
  }
  for (ScenarioRequest& request : scenario->requests) {
    take_from_route(request, config, messages);
    if (request.rate <= 0) {
      request.rate = rate;
    }
    if (request.rate <= 0) {
      messages.error(request.place, from_config ? "route.budget.rate" : "request.rate",
                     lb::in_quotes(request.name) +
                         " has no rate; state rate = 100 (requests per second), or give --rate");
    }
  }
  const auto has_budget = [](const ScenarioRequest& request) { return request.budget.has_value(); };
  if (budgets_needed && !messages.has_errors() &&
      std::ranges::none_of(scenario->requests, has_budget)) {
    messages.error({}, "request.budget",
                   "no request has a budget; add budget = { p99 = \"40ms\" } to one, or give "
                   "--config with routes that have");
  }
  if (messages.has_errors()) {
    return std::nullopt;
  }
  return scenario;
}

}  // namespace sk::bench
