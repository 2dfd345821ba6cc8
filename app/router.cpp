#include "app/router.h"

#include "app/percent.h"

#include <algorithm>

namespace sk::app {
namespace {

constexpr std::size_t kSegmentsMax = 32;

bool is_param_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && std::ranges::all_of(name, fits);
}

// Splits the pattern behind its leading '/'. "/" has one segment, which is empty.
std::vector<std::string_view> segments_of(std::string_view pattern) {
  std::vector<std::string_view> segments;
  std::string_view rest = pattern.substr(1);
  while (true) {
    const std::size_t slash = rest.find('/');
    segments.push_back(rest.substr(0, slash));
    if (slash == std::string_view::npos) {
      return segments;
    }
    rest.remove_prefix(slash + 1);
  }
}

// What is wrong with a pattern; empty if nothing. Collects its parameters' names.
std::string check_pattern(std::string_view pattern, const std::vector<std::string_view>& segments,
                          std::vector<std::string>& names) {
  if (segments.size() > kSegmentsMax) {
    return "has more than " + std::to_string(kSegmentsMax) + " segments";
  }
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const std::string_view segment = segments[i];
    const bool is_param = segment.starts_with(':');
    const bool is_rest = segment.starts_with('*');
    if (!is_param && !is_rest) {
      continue;
    }
    const std::string_view name = segment.substr(1);
    if (!is_param_name(name)) {
      return "needs a name of letters, digits and '_' after '" + std::string(1, segment[0]) + "'";
    }
    if (is_rest && i + 1 != segments.size()) {
      return "may have '*" + std::string(name) + "' at its end only";
    }
    if (std::ranges::find(names, name) != names.end()) {
      return "names the parameter '" + std::string(name) + "' twice";
    }
    names.emplace_back(name);
  }
  if (names.size() > kPathParamsMax) {
    return "has more than " + std::to_string(kPathParamsMax) + " parameters";
  }
  return pattern.find_first_of("?# ") != std::string_view::npos
             ? "must not contain '?', '#' or a space"
             : "";
}

}  // namespace

Router::Router() { nodes_.emplace_back(); }

std::uint32_t Router::new_node() {
  nodes_.emplace_back();
  return static_cast<std::uint32_t>(nodes_.size() - 1);
}

std::uint32_t Router::literal_child(std::uint32_t node, std::string_view segment) {
  for (const auto& [literal, child] : nodes_[node].literals) {
    if (literal == segment) {
      return child;
    }
  }
  const std::uint32_t child = new_node();
  nodes_[node].literals.emplace_back(segment, child);
  return child;
}

std::expected<std::uint32_t, std::string> Router::add(Method method, std::string_view pattern,
                                                      std::uint32_t handler) {
  const auto wrong = [&](const std::string& text) {
    return std::unexpected("route pattern \"" + std::string(pattern) + "\" " + text);
  };
  if (!pattern.starts_with('/')) {
    return wrong("must begin with '/'");
  }
  const std::vector<std::string_view> segments = segments_of(pattern);
  std::vector<std::string> names;
  const std::string mistake = check_pattern(pattern, segments, names);
  if (!mistake.empty()) {
    return wrong(mistake);
  }

  std::uint32_t at = 0;
  for (const std::string_view segment : segments) {
    if (segment.starts_with(':') || segment.starts_with('*')) {
      const bool is_param = segment[0] == ':';
      const std::uint32_t known = is_param ? nodes_[at].param : nodes_[at].rest;
      if (known != kNone) {
        at = known;
        continue;
      }
      const std::uint32_t child = new_node();
      (is_param ? nodes_[at].param : nodes_[at].rest) = child;
      at = child;
    } else {
      at = literal_child(at, segment);
    }
  }

  Node& end = nodes_[at];
  if (end.pattern_id == kNone) {
    end.pattern_id = static_cast<std::uint32_t>(patterns_.size());
    patterns_.emplace_back(pattern);
    param_names_.push_back(std::move(names));
    allow_.emplace_back();
  } else if (patterns_[end.pattern_id] != pattern) {
    return wrong("fits the same paths as \"" + patterns_[end.pattern_id] +
                 "\": use the same parameter names");
  }
  std::uint32_t& slot = end.handlers[static_cast<std::size_t>(method)];
  if (slot != kNone) {
    return wrong("is registered twice for " + std::string(method_name(method)));
  }
  slot = handler;

  std::string& allow = allow_[end.pattern_id];
  allow.clear();
  for (std::size_t i = 1; i < kMethodCount; ++i) {
    const auto candidate = static_cast<Method>(i);
    const bool by_get =
        candidate == Method::head && end.handlers[static_cast<std::size_t>(Method::get)] != kNone;
    if (end.handlers[i] != kNone || by_get) {
      allow += allow.empty() ? "" : ", ";
      allow += method_name(candidate);
    }
  }
  return end.pattern_id;
}

std::uint32_t Router::find(std::uint32_t node, std::string_view path,
                           PathParams& params) const noexcept {
  const Node& here = nodes_[node];
  const std::size_t slash = path.find('/');
  const std::string_view segment = path.substr(0, slash);
  const bool last = slash == std::string_view::npos;
  const std::string_view rest = last ? std::string_view() : path.substr(slash + 1);

  const auto enter = [&](std::uint32_t child) noexcept {
    if (last) {
      return nodes_[child].pattern_id != kNone ? child : kNone;
    }
    return find(child, rest, params);
  };
  const std::size_t params_before = params.count;
  for (const auto& [literal, child] : here.literals) {
    const bool equal = segment.find('%') == std::string_view::npos
                           ? segment == literal
                           : percent_decodes_to(segment, literal);
    if (equal) {
      const std::uint32_t found = enter(child);
      if (found != kNone) {
        return found;
      }
    }
  }
  if (here.param != kNone && !segment.empty()) {
    params.values[params.count++] = segment;
    const std::uint32_t found = enter(here.param);
    if (found != kNone) {
      return found;
    }
    params.count = params_before;
  }
  if (here.rest != kNone && !path.empty()) {
    params.values[params.count++] = path;
    return here.rest;
  }
  return kNone;
}

Match Router::match(Method method, std::string_view path) const noexcept {
  Match match;
  if (!path.starts_with('/')) {
    return match;  // "*", or CONNECT's authority: no pattern fits
  }
  const std::uint32_t node = find(0, path.substr(1), match.params);
  if (node == kNone) {
    return match;
  }
  match.pattern_id = nodes_[node].pattern_id;
  const auto& handlers = nodes_[node].handlers;
  std::uint32_t handler = handlers[static_cast<std::size_t>(method)];
  if (handler == kNone && method == Method::head) {
    handler = handlers[static_cast<std::size_t>(Method::get)];
  }
  match.kind = handler == kNone ? MatchKind::no_method : MatchKind::found;
  match.handler = handler == kNone ? 0 : handler;
  return match;
}

}  // namespace sk::app
