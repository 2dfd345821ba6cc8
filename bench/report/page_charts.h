// The charts of the page, each as a <figure>: an SVG and a caption that says how to read it. Empty
// where there is nothing to draw.
#pragma once

#include "bench/report/model.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace sk::bench {

// id: prefix of the SVG's ids, unique per route.
[[nodiscard]] std::string percentile_figure(const RouteReport& route, std::string_view id);
[[nodiscard]] std::string time_figure(const RouteReport& route, std::string_view id);
[[nodiscard]] std::string stages_figure(const RouteReport& route, std::string_view id);

[[nodiscard]] std::string capacity_figure(const CapacityReport& capacity);
[[nodiscard]] std::string overload_figure(const OverloadReport& overload);
[[nodiscard]] std::string compare_figure(const CompareReport& compare);

// A request's ledger as a small stacked bar, `scale` being the duration of its whole width.
[[nodiscard]] std::string ledger_bar(const RouteReport& route, const WorstRequest& request,
                                     Nanoseconds scale);

// The CSS class of a stage's colour: the same stage has the same colour everywhere on a route.
[[nodiscard]] std::string stage_class(std::size_t stage);

}  // namespace sk::bench
