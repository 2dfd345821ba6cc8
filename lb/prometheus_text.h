// Writes the Prometheus text exposition format, version 0.0.4: families of samples with labels.
#pragma once

#include "lb/histogram.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace sk::lb {

class PrometheusText {
 public:
  using Label = std::pair<std::string_view, std::string_view>;  // values are escaped

  // Names, types and help texts of all families stand in metric_names.h.
  struct Family {
    std::string_view name;
    std::string_view type;  // "counter", "gauge", "histogram"
    std::string_view help;
  };

  // Begins a family; its samples follow.
  void family(const Family& family);
  void sample(std::initializer_list<Label> labels, std::uint64_t value);
  // The same in seconds.
  void sample_seconds(std::initializer_list<Label> labels, std::uint64_t us);
  // Seconds; buckets at powers of two from 64 us to 67 s, so that no bound cuts a bucket of ours.
  void histogram(std::initializer_list<Label> labels, const HistogramSum& sum);

  std::string take() { return std::move(text_); }

 private:
  void line(std::string_view suffix, std::initializer_list<Label> labels, std::string_view le,
            std::string_view value);

  std::string text_;
  std::string_view name_;
};

}  // namespace sk::lb
