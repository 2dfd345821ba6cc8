#include "lb/prometheus_text.h"

#include <charconv>

namespace sk::lb {
namespace {

constexpr unsigned kFirstBoundLog2 = 6;  // 64 us
constexpr unsigned kLastBoundLog2 = 26;  // 67 s

std::string seconds(std::uint64_t us) {
  char text[32];
  const auto [end, error] =
      std::to_chars(text, std::end(text), static_cast<double>(us) / 1e6, std::chars_format::fixed);
  return {text, error == std::errc{} ? end : text};
}

void append_label_value(std::string& out, std::string_view value) {
  for (const char byte : value) {
    if (byte == '\\' || byte == '"') {
      out += '\\';
    }
    out += byte == '\n' ? ' ' : byte;
  }
}

}  // namespace

void PrometheusText::family(const Family& family) {
  name_ = family.name;
  text_.append("# HELP ").append(family.name).append(" ").append(family.help).append("\n");
  text_.append("# TYPE ").append(family.name).append(" ").append(family.type).append("\n");
}

void PrometheusText::line(std::string_view suffix, std::initializer_list<Label> labels,
                          std::string_view le, std::string_view value) {
  text_.append(name_).append(suffix);
  char separator = '{';
  for (const auto& [name, text] : labels) {
    text_ += separator;
    text_.append(name).append("=\"");
    append_label_value(text_, text);
    text_ += '"';
    separator = ',';
  }
  if (!le.empty()) {
    text_ += separator;
    text_.append("le=\"").append(le).append("\"");
    separator = ',';
  }
  text_.append(separator == ',' ? "} " : " ").append(value).append("\n");
}

void PrometheusText::sample(std::initializer_list<Label> labels, std::uint64_t value) {
  line("", labels, "", std::to_string(value));
}

void PrometheusText::sample_seconds(std::initializer_list<Label> labels, std::uint64_t us) {
  line("", labels, "", seconds(us));
}

void PrometheusText::histogram(std::initializer_list<Label> labels, const HistogramSum& sum) {
  for (unsigned bound = kFirstBoundLog2; bound <= kLastBoundLog2; ++bound) {
    const std::uint64_t us = std::uint64_t{1} << bound;
    line("_bucket", labels, seconds(us), std::to_string(sum.below(us)));
  }
  line("_bucket", labels, "+Inf", std::to_string(sum.count()));
  line("_sum", labels, "", seconds(sum.sum_us()));
  line("_count", labels, "", std::to_string(sum.count()));
}

}  // namespace sk::lb
