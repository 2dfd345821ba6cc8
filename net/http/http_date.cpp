#include "net/http/http_date.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>

namespace sk {
namespace {

constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
constexpr std::int64_t kLatest = 253402300799;  // 9999-12-31 23:59:59

struct Cache {
  std::int64_t second = -1;
  std::array<char, kHttpDateBytes> text{};
};

thread_local Cache cache;

void put_number(char* to, unsigned value, int digits) noexcept {
  for (int i = digits - 1; i >= 0; --i) {
    to[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

void format(std::int64_t unix_seconds, char* to) noexcept {
  using namespace std::chrono;
  const sys_seconds instant{seconds(unix_seconds)};
  const sys_days day = floor<days>(instant);
  const year_month_day date(day);
  const hh_mm_ss time(instant - day);
  std::memcpy(to, "Sun, 06 Nov 1994 08:49:37 GMT", kHttpDateBytes);
  std::memcpy(to, kDays.data() + std::size_t{weekday(day).c_encoding()} * 3, 3);
  put_number(to + 5, static_cast<unsigned>(date.day()), 2);
  std::memcpy(to + 8, kMonths.data() + (std::size_t{static_cast<unsigned>(date.month())} - 1) * 3,
              3);
  put_number(to + 12, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_number(to + 17, static_cast<unsigned>(time.hours().count()), 2);
  put_number(to + 20, static_cast<unsigned>(time.minutes().count()), 2);
  put_number(to + 23, static_cast<unsigned>(time.seconds().count()), 2);
}

}  // namespace

std::string_view http_date(std::int64_t unix_seconds) noexcept {
  const std::int64_t second = std::clamp<std::int64_t>(unix_seconds, 0, kLatest);
  if (cache.second != second) {
    format(second, cache.text.data());
    cache.second = second;
  }
  return {cache.text.data(), kHttpDateBytes};
}

}  // namespace sk
