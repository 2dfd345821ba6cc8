#include "bench/report/svg_chart.h"

#include "bench/report/html.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace sk::bench {
namespace {

// The plot's borders within the chart.
constexpr double kLeft = 80;  // room for "100,000/s" and the axis' name
constexpr double kRight = SvgChart::kWidth - 16;
constexpr double kTop = 14;
constexpr double kBottom = SvgChart::kHeight - 46;

double along(const Axis& axis, double value) {
  value = std::clamp(value, axis.low, axis.high);
  return axis.logarithmic ? std::log(value / axis.low) / std::log(axis.high / axis.low)
                          : (value - axis.low) / (axis.high - axis.low);
}

}  // namespace

std::vector<double> round_values(double low, double high, bool logarithmic) {
  std::vector<double> values;
  if (!(high > low) || !std::isfinite(low) || !std::isfinite(high)) {
    return values;
  }
  if (!logarithmic) {
    const double rough = (high - low) / 5;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    const double factor = rough / power;
    const double step = power * (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10);
    for (double i = std::ceil(low / step); i * step <= high + step * 1e-9; i += 1) {
      values.push_back(i * step);
    }
    return values;
  }
  // On many decades 1, 2 and 5 would stand too close.
  const bool only_powers = std::log10(high / low) > 3;
  for (double power = std::pow(10, std::floor(std::log10(low))); power <= high; power *= 10) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double value = power * factor;
      if (value >= low && value <= high && (!only_powers || factor == 1)) {
        values.push_back(value);
      }
    }
  }
  return values;
}

SvgChart::SvgChart(std::string_view id, std::string_view title, std::string_view description,
                   Axis x, Axis y)
    : x_(std::move(x)), y_(std::move(y)) {
  head_ = fmt::format(
      R"(<svg class="chart" id="{0}" viewBox="0 0 {1} {2}" role="img" aria-labelledby="{0}-t {0}-d">)"
      R"(<title id="{0}-t">{3}</title><desc id="{0}-d">{4}</desc>)",
      id, kWidth, kHeight, html_text(title), html_text(description));
  for (const Tick& tick : y_.ticks) {
    head_ += fmt::format(R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/>)"
                         R"(<text class="tick" x="{}" y="{:.1f}" text-anchor="end">{}</text>)",
                         kLeft, kRight, py(tick.value), py(tick.value), kLeft - 8,
                         py(tick.value) + 4, html_text(tick.label));
  }
  for (const Tick& tick : x_.ticks) {
    head_ +=
        fmt::format(R"(<line class="grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>)"
                    R"(<text class="tick" x="{0:.1f}" y="{3}" text-anchor="middle">{4}</text>)",
                    px(tick.value), kTop, kBottom, kBottom + 17, html_text(tick.label));
  }
  head_ +=
      fmt::format(R"(<path class="axis" d="M{0} {1}V{2}H{3}"/>)"
                  R"(<text class="axis-label" x="{4:.1f}" y="{5}" text-anchor="middle">{6}</text>)"
                  R"svg(<text class="axis-label" transform="translate(13 {7:.1f}) rotate(-90)" )svg"
                  R"(text-anchor="middle">{8}</text>)",
                  kLeft, kTop, kBottom, kRight, (kLeft + kRight) / 2, kHeight - 8,
                  html_text(x_.label), (kTop + kBottom) / 2, html_text(y_.label));
}

double SvgChart::px(double x) const { return kLeft + along(x_, x) * (kRight - kLeft); }
double SvgChart::py(double y) const { return kBottom - along(y_, y) * (kBottom - kTop); }

std::string SvgChart::path_of(std::span<const Point> points) const {
  std::string path;
  double last_x = -10;
  double last_y = -10;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double x = px(points[i].x);
    const double y = py(points[i].y);
    const bool moved = std::abs(x - last_x) >= 0.5 || std::abs(y - last_y) >= 0.5;
    if (moved || i + 1 == points.size()) {
      path += fmt::format("{}{:.1f} {:.1f}", path.empty() ? 'M' : 'L', x, y);
      last_x = x;
      last_y = y;
    }
  }
  return path;
}

void SvgChart::line(std::span<const Point> points, std::string_view css_class) {
  if (points.size() == 1) {
    body_ += fmt::format(R"(<circle class="{} lone" cx="{:.1f}" cy="{:.1f}" r="2.5"/>)", css_class,
                         px(points[0].x), py(points[0].y));
  } else if (!points.empty()) {
    body_ += fmt::format(R"(<path class="line {}" d="{}"/>)", css_class, path_of(points));
  }
}

void SvgChart::area_above(std::span<const Point> points, std::string_view css_class) {
  if (points.size() > 1) {
    body_ += fmt::format(R"(<path class="{}" d="{}V{}H{:.1f}Z"/>)", css_class, path_of(points),
                         kTop, px(points.front().x));
  }
}

void SvgChart::dot(Point at, std::string_view css_class, std::string_view tooltip) {
  body_ += fmt::format(
      R"(<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="4.5"><title>{}</title></circle>)",
      css_class, px(at.x), py(at.y), html_text(tooltip));
}

void SvgChart::interval(double low, double high, double y, std::string_view css_class) {
  body_ += fmt::format(R"(<path class="line {0}" d="M{1:.1f} {2:.1f}v10m0 -5H{3:.1f}m0 -5v10"/>)",
                       css_class, px(low), py(y) - 5, px(high));
}

void SvgChart::horizontal(double y, std::string_view css_class) {
  body_ +=
      fmt::format(R"(<path class="line {}" d="M{} {:.1f}H{}"/>)", css_class, kLeft, py(y), kRight);
}

void SvgChart::vertical(double x, std::string_view css_class) {
  body_ +=
      fmt::format(R"(<path class="line {}" d="M{:.1f} {}V{}"/>)", css_class, px(x), kTop, kBottom);
}

void SvgChart::label(Point at, double dx, double dy, std::string_view anchor, std::string_view text,
                     std::string_view css_class) {
  body_ += fmt::format(R"(<text class="{}" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>)",
                       css_class, px(at.x) + dx, py(at.y) + dy, anchor, html_text(text));
}

std::string SvgChart::svg() const { return head_ + body_ + "</svg>"; }

}  // namespace sk::bench
