#include "bench/report/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace sk::bench {
namespace {

// Three significant digits; more where the number has them before the point.
std::string three_digits(double value) {
  const double magnitude = std::abs(value);
  if (magnitude >= 99.95) {
    return fmt::format("{:.0f}", value);
  }
  if (magnitude >= 9.995) {
    return fmt::format("{:.1f}", value);
  }
  return magnitude >= 0.9995 || magnitude == 0 ? fmt::format("{:.2f}", value)
                                               : fmt::format("{:.3f}", value);
}

// "5" rather than "5.00": limits are round numbers and should look like them.
std::string without_trailing_zeros(std::string digits) {
  if (digits.contains('.')) {
    digits.erase(digits.find_last_not_of('0') + 1);
    if (digits.ends_with('.')) {
      digits.pop_back();
    }
  }
  return digits;
}

}  // namespace

std::string duration_text(Nanoseconds duration) {
  const double ns = static_cast<double>(duration.count());
  if (std::abs(ns) >= 999.5e6) {
    return without_trailing_zeros(three_digits(ns / 1e9)) + " s";
  }
  if (std::abs(ns) >= 99.95e3 || ns == 0) {
    return without_trailing_zeros(three_digits(ns / 1e6)) + " ms";
  }
  return without_trailing_zeros(three_digits(ns / 1e3)) + " us";
}

std::string count_text(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t end = digits.size(); end > 3; end -= 3) {
    digits.insert(end - 3, 1, ',');
  }
  return digits;
}

std::string percent_text(double share) {
  const double percent = share * 100;
  if (percent == 0 || percent == 100) {
    return fmt::format("{:.0f} %", percent);
  }
  if (percent < 0.001) {
    return "< 0.001 %";
  }
  if (percent > 99.999) {
    return "> 99.999 %";
  }
  if (percent > 99) {
    return fmt::format("{:.3f} %", std::min(percent, 99.999));
  }
  return without_trailing_zeros(three_digits(percent)) + " %";
}

std::string rate_text(double per_second) {
  if (per_second >= 1000) {
    return count_text(static_cast<std::uint64_t>(std::llround(per_second))) + "/s";
  }
  return without_trailing_zeros(three_digits(per_second)) + "/s";
}

std::string display_name(std::string_view name) {
  constexpr std::string_view kEllipsis = "\xe2\x80\xa6";
  const bool cut = name.size() > kNameBytesMax;
  if (cut) {
    std::size_t end = kNameBytesMax;
    while (end > 0 && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) {
      --end;
    }
    name = name.substr(0, end);
  }
  std::string text(name);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F are control characters too: some terminals obey them.
    const bool high_control = byte == 0xc2 && i + 1 < text.size() &&
                              static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                              static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (byte < 0x20 || byte == 0x7f) {
      text[i] = '?';
    } else if (high_control) {
      text.replace(i, 2, "?");
    }
  }
  if (cut) {
    text += kEllipsis;
  }
  return text;
}

std::string_view overall_text(const Report& report) {
  return report.valid() ? to_string(report.outcome) : std::string_view("INVALID");
}

std::string run_text(const RunSettings& settings) {
  return fmt::format("{} {} of {}, open loop, {} arrivals, seed {}", settings.runs,
                     settings.runs == 1 ? "run" : "runs", duration_text(settings.duration),
                     display_name(settings.arrivals), settings.seed);
}

std::string runs_text(const LevelVerdict& verdict) {
  return fmt::format("{} of {}", verdict.runs_within, verdict.runs);
}

std::string exceedances_text(const LevelVerdict& verdict) {
  std::string text =
      fmt::format("{} of {} above", count_text(verdict.exceedances), count_text(verdict.requests));
  if (verdict.pass_max) {
    text += fmt::format("; at most {} pass", count_text(*verdict.pass_max));
  }
  if (verdict.fail_min) {
    text += fmt::format("{} {} or more fail", verdict.pass_max ? "," : ";",
                        count_text(*verdict.fail_min));
  }
  return text;
}

std::string explanation_text(const LevelVerdict& verdict) {
  std::string text;
  if (verdict.outcome == Outcome::inconclusive) {
    text = verdict.reason;
    if (verdict.requests_needed) {
      text += fmt::format("; about {} would do", count_text(*verdict.requests_needed));
    }
  } else if (verdict.outcome == Outcome::fail && verdict.top_stage) {
    text = fmt::format("top stage {} ({:.0f} %)", display_name(verdict.top_stage->name),
                       verdict.top_stage->share * 100);
  }
  return text;
}

}  // namespace sk::bench
