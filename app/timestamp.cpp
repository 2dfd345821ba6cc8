#include "app/timestamp.h"

namespace sk::app {
namespace {

constexpr std::int64_t kMicrosPerSecond = 1'000'000;
constexpr std::int64_t kSecondsPerDay = 86'400;

struct Civil {
  std::int64_t year;
  unsigned month;
  unsigned day;
};

// Days since 1970-01-01 to the proleptic Gregorian calendar. std::chrono stops at the year 32767,
// PostgreSQL goes on to 294276.
constexpr Civil civil_from_days(std::int64_t days) {
  days += 719'468;  // days from 0000-03-01, so that the leap day is the last of its year
  const std::int64_t era = (days >= 0 ? days : days - 146'096) / 146'097;
  const auto day_of_era = static_cast<std::uint64_t>(days - era * 146'097);
  const std::uint64_t year_of_era =
      (day_of_era - day_of_era / 1'460 + day_of_era / 36'524 - day_of_era / 146'096) / 365;
  const std::uint64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted_month = (5 * day_of_year + 2) / 153;
  const auto day = static_cast<unsigned>(day_of_year - (153 * shifted_month + 2) / 5 + 1);
  const auto month =
      static_cast<unsigned>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  const std::int64_t year =
      static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0);
  return {year, month, day};
}

constexpr std::int64_t floor_div(std::int64_t value, std::int64_t by) {
  return value / by - (value % by < 0 ? 1 : 0);
}

char* put_digits(char* out, std::uint64_t value, int digits) {
  for (int index = digits - 1; index >= 0; --index) {
    out[index] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  return out + digits;
}

// Takes exactly `digits` decimal digits off the front; -1 where there are fewer.
int take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) {
    return -1;
  }
  int value = 0;
  for (std::size_t index = 0; index < digits; ++index) {
    const char c = text[index];
    if (c < '0' || c > '9') {
      return -1;
    }
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char a, char b) {
  if (text.empty() || (text[0] != a && text[0] != b)) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

// ".123456789" to microseconds; 0 where there is no fraction, -1 where it is broken.
std::int64_t take_fraction(std::string_view& text) {
  if (!take(text, '.', '.')) {
    return 0;
  }
  std::int64_t micros = 0;
  int digits = 0;
  while (!text.empty() && text[0] >= '0' && text[0] <= '9' && digits < 9) {
    if (digits < 6) {
      micros = micros * 10 + (text[0] - '0');
    }
    ++digits;
    text.remove_prefix(1);
  }
  if (digits == 0) {
    return -1;
  }
  for (int index = digits; index < 6; ++index) {
    micros *= 10;
  }
  return micros;
}

}  // namespace

std::size_t format_timestamp(std::span<char> out, Timestamp time) noexcept {
  const std::int64_t micros = time.time_since_epoch().count();
  const std::int64_t seconds = floor_div(micros, kMicrosPerSecond);
  const std::int64_t days = floor_div(seconds, kSecondsPerDay);
  const Civil civil = civil_from_days(days);
  const auto second_of_day = static_cast<std::uint64_t>(seconds - days * kSecondsPerDay);
  // Not micros - seconds * 10^6: that product overflows for the earliest times.
  const std::int64_t remainder = micros % kMicrosPerSecond;
  const auto fraction =
      static_cast<std::uint64_t>(remainder < 0 ? remainder + kMicrosPerSecond : remainder);

  char* at = out.data();
  if (civil.year >= 0 && civil.year <= 9999) {
    at = put_digits(at, static_cast<std::uint64_t>(civil.year), 4);
  } else {
    *at++ = civil.year < 0 ? '-' : '+';
    const std::int64_t magnitude = civil.year < 0 ? -civil.year : civil.year;
    at = put_digits(at, static_cast<std::uint64_t>(magnitude), 6);
  }
  *at++ = '-';
  at = put_digits(at, civil.month, 2);
  *at++ = '-';
  at = put_digits(at, civil.day, 2);
  *at++ = 'T';
  at = put_digits(at, second_of_day / 3600, 2);
  *at++ = ':';
  at = put_digits(at, second_of_day / 60 % 60, 2);
  *at++ = ':';
  at = put_digits(at, second_of_day % 60, 2);
  *at++ = '.';
  at = put_digits(at, fraction, 6);
  *at++ = 'Z';
  return static_cast<std::size_t>(at - out.data());
}

std::optional<Timestamp> parse_timestamp(std::string_view text) noexcept {
  const int year = take_digits(text, 4);
  if (year < 0 || !take(text, '-', '-')) {
    return std::nullopt;
  }
  const int month = take_digits(text, 2);
  if (month < 0 || !take(text, '-', '-')) {
    return std::nullopt;
  }
  const int day = take_digits(text, 2);
  const std::chrono::year_month_day date{
      std::chrono::year{year}, std::chrono::month{static_cast<unsigned>(month)},
      std::chrono::day{static_cast<unsigned>(day < 0 ? 0 : day)}};
  if (!date.ok() || !take(text, 'T', 't')) {
    return std::nullopt;
  }
  const int hour = take_digits(text, 2);
  if (hour < 0 || hour > 23 || !take(text, ':', ':')) {
    return std::nullopt;
  }
  const int minute = take_digits(text, 2);
  if (minute < 0 || minute > 59 || !take(text, ':', ':')) {
    return std::nullopt;
  }
  const int second = take_digits(text, 2);
  if (second < 0 || second > 60) {
    return std::nullopt;
  }
  const std::int64_t fraction = take_fraction(text);
  if (fraction < 0 || text.empty()) {
    return std::nullopt;
  }

  std::int64_t offset_seconds = 0;
  if (!take(text, 'Z', 'z')) {
    const bool west = text[0] == '-';
    if (!take(text, '+', '-')) {
      return std::nullopt;
    }
    const int hours = take_digits(text, 2);
    if (hours < 0 || hours > 23 || !take(text, ':', ':')) {
      return std::nullopt;
    }
    const int minutes = take_digits(text, 2);
    if (minutes < 0 || minutes > 59) {
      return std::nullopt;
    }
    offset_seconds = (hours * 60 + minutes) * 60 * (west ? -1 : 1);
  }
  if (!text.empty()) {
    return std::nullopt;
  }
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  const std::int64_t seconds =
      days * kSecondsPerDay + hour * 3600 + minute * 60 + second - offset_seconds;
  return Timestamp{std::chrono::microseconds{seconds * kMicrosPerSecond + fraction}};
}

}  // namespace sk::app
