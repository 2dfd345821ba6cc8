#include "lb/health.h"

#include <algorithm>

namespace sk::lb {

std::optional<Probe> probe_of(std::string_view path) {
  if (path == "/livez") {
    return Probe::live;
  }
  if (path == "/healthz") {
    return Probe::healthy;
  }
  return path == "/readyz" ? std::optional(Probe::ready) : std::nullopt;
}

std::optional<std::string_view> Health::objection() const {
  if (state_.draining.load(std::memory_order_relaxed)) {
    return "stopping";
  }
  bool any_workers = false;
  bool any_usable = false;
  for (const std::unique_ptr<Upstream>& upstream : upstreams_) {
    if (!upstream->has_workers()) {
      continue;
    }
    any_workers = true;
    any_usable = any_usable || upstream->usable();
    if (!upstream->was_usable()) {
      return "no worker is ready";
    }
  }
  if (any_workers && !any_usable) {
    return "no worker is ready";
  }
  return std::nullopt;
}

std::optional<std::uint32_t> Health::witness() const {
  for (std::uint32_t index = 0; index < upstreams_.size(); ++index) {
    if (upstreams_[index]->is_link() && upstreams_[index]->usable()) {
      return index;
    }
  }
  return std::nullopt;
}

}  // namespace sk::lb
