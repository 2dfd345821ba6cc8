// SvgChart draws one chart of lines and points as inline SVG.
//
// It knows axes, ticks and pixels, nothing of latencies. Colours and strokes are CSS classes of the
// page's style sheet (page_style.h), so that light and dark follow the reader. Title and
// description are for who cannot see it. Texts are escaped here; class names are ours.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sk::bench {

struct Tick {
  double value;
  std::string label;
};

struct Axis {
  std::string label;
  double low = 0;
  double high = 1;           // above low
  bool logarithmic = false;  // low is above 0 then
  std::vector<Tick> ticks{};
};

struct Point {
  double x;
  double y;
};

class SvgChart {
 public:
  static constexpr double kWidth = 640;
  static constexpr double kHeight = 320;

  // id: unique in the page, of letters, digits and hyphens.
  SvgChart(std::string_view id, std::string_view title, std::string_view description, Axis x,
           Axis y);

  // Points beyond the axes are drawn on their border. Those that fall on the pixel of the one
  // before are left out, so that the size does not grow with the number of points.
  void line(std::span<const Point> points, std::string_view css_class);
  // The area between such a line and the upper border.
  void area_above(std::span<const Point> points, std::string_view css_class);
  void dot(Point at, std::string_view css_class, std::string_view tooltip);
  // A bar from low to high at height y, with serifs.
  void interval(double low, double high, double y, std::string_view css_class);
  void horizontal(double y, std::string_view css_class);
  void vertical(double x, std::string_view css_class);
  // Text beside a point; `anchor` is start, middle or end.
  void label(Point at, double dx, double dy, std::string_view anchor, std::string_view text,
             std::string_view css_class);

  [[nodiscard]] std::string svg() const;

 private:
  double px(double x) const;
  double py(double y) const;
  std::string path_of(std::span<const Point> points) const;

  std::string head_;
  std::string body_;
  Axis x_;
  Axis y_;
};

// Ticks at round numbers: 1, 2, 5 of each power of ten on a logarithmic axis, else about `count`
// equal steps. `label` makes the text of a value.
template <typename Label>
std::vector<Tick> ticks_of(double low, double high, bool logarithmic, Label label);

[[nodiscard]] std::vector<double> round_values(double low, double high, bool logarithmic);

template <typename Label>
std::vector<Tick> ticks_of(double low, double high, bool logarithmic, Label label) {
  std::vector<Tick> ticks;
  for (const double value : round_values(low, high, logarithmic)) {
    ticks.push_back({value, label(value)});
  }
  return ticks;
}

}  // namespace sk::bench
