#include "net/core/log_line.h"

#include "net/core/assert.h"
#include "net/core/json_text.h"

#include <charconv>
#include <cstring>
#include <ctime>

namespace sk {
namespace {

// Kept free for `, "msg": "`, 400 bytes of message and `"}\n`.
constexpr std::size_t kTailBytes = 512;
constexpr std::size_t kDigitsMax = 20;

constexpr std::string_view level_prefix(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "{\"level\": 20, \"time\": ";
    case LogLevel::info:
      return "{\"level\": 30, \"time\": ";
    case LogLevel::warn:
      return "{\"level\": 40, \"time\": ";
    case LogLevel::error:
      return "{\"level\": 50, \"time\": ";
    case LogLevel::fatal:
      return "{\"level\": 60, \"time\": ";
  }
  return "{\"level\": 30, \"time\": ";
}

}  // namespace

std::int64_t unix_ms_now() noexcept {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

LogLine::LogLine(std::span<char> room) noexcept
    : begin_(room.empty() ? nullptr : room.data()), at_(begin_), limit_(begin_), end_(begin_) {
  if (begin_ != nullptr) {
    SK_ASSERT(room.size() >= 1024);
    end_ = begin_ + room.size();
    limit_ = end_ - kTailBytes;
  }
}

LogLine& LogLine::begin(LogLevel level, std::int64_t unix_ms,
                        const LogIdentity& identity) noexcept {
  raw(level_prefix(level)).digits(unix_ms).number("pid", static_cast<std::int64_t>(identity.pid));
  return field("hostname", identity.hostname).field("name", identity.name);
}

LogLine& LogLine::raw(std::string_view json) noexcept {
  if (fits(json.size()) && !json.empty()) {
    std::memcpy(at_, json.data(), json.size());
    at_ += json.size();
  }
  return *this;
}

LogLine& LogLine::text(std::string_view text, std::size_t bytes_max) noexcept {
  const std::span<char> room{at_, static_cast<std::size_t>(limit_ - at_)};
  at_ += escape_json(room, text.substr(0, bytes_max), JsonText::log);
  return *this;
}

LogLine& LogLine::digits(std::int64_t number) noexcept {
  if (fits(kDigitsMax)) {
    at_ = std::to_chars(at_, limit_, number).ptr;
  }
  return *this;
}

LogLine& LogLine::digits(std::uint64_t number) noexcept {
  if (fits(kDigitsMax)) {
    at_ = std::to_chars(at_, limit_, number).ptr;
  }
  return *this;
}

LogLine& LogLine::millis(std::int64_t nanoseconds) noexcept {
  if (!fits(kDigitsMax + 4)) {
    return *this;
  }
  const std::int64_t micros = nanoseconds > 0 ? nanoseconds / 1000 : 0;
  at_ = std::to_chars(at_, limit_, micros / 1000).ptr;
  const auto fraction = static_cast<unsigned>(micros % 1000);
  at_[0] = '.';
  at_[1] = static_cast<char>('0' + fraction / 100);
  at_[2] = static_cast<char>('0' + fraction / 10 % 10);
  at_[3] = static_cast<char>('0' + fraction % 10);
  at_ += 4;
  return *this;
}

LogLine& LogLine::field(std::string_view key, std::string_view value) noexcept {
  // Room for the key, its quotes and colon, and a closing quote; the value may be cut.
  if (!fits(key.size() + 8)) {
    return *this;
  }
  raw(", \"").raw(key).raw("\": \"");
  --limit_;
  text(value);
  ++limit_;
  return raw("\"");
}

LogLine& LogLine::number(std::string_view key, std::int64_t value) noexcept {
  if (fits(key.size() + 6 + kDigitsMax)) {
    raw(", \"").raw(key).raw("\": ").digits(value);
  }
  return *this;
}

LogLine& LogLine::number(std::string_view key, std::uint64_t value) noexcept {
  if (fits(key.size() + 6 + kDigitsMax)) {
    raw(", \"").raw(key).raw("\": ").digits(value);
  }
  return *this;
}

LogLine& LogLine::millis(std::string_view key, std::int64_t nanoseconds) noexcept {
  if (fits(key.size() + 10 + kDigitsMax)) {
    raw(", \"").raw(key).raw("\": ").millis(nanoseconds);
  }
  return *this;
}

std::size_t LogLine::end(std::string_view msg) noexcept { return end({}, msg); }

std::size_t LogLine::end(std::string_view trusted, std::string_view rest) noexcept {
  if (begin_ == nullptr) {
    return 0;
  }
  SK_ASSERT(trusted.size() <= 200);
  limit_ = end_ - 3;
  raw(", \"msg\": \"").raw(trusted).text(rest, kLogLineBytesMax);
  limit_ = end_;
  raw("\"}\n");
  return static_cast<std::size_t>(at_ - begin_);
}

Log::Log(LogWriter& writer) : writer_(writer), ring_(writer.add_ring()) {
  const LogIdentity& identity = writer.identity();
  after_time_ = ", \"pid\": " + std::to_string(identity.pid) + ", \"hostname\": ";
  append_json_string(after_time_, std::string_view(identity.hostname).substr(0, 256),
                     JsonText::log);
  append_json_string(name_, std::string_view(identity.name).substr(0, 64), JsonText::log);
}

LogLine Log::open(LogLevel level, std::int64_t unix_ms) noexcept {
  LogLine line(ring_.reserve());
  if (!line) {
    return line;
  }
  if (unix_ms != time_ms_) {
    time_ms_ = unix_ms;
    char* const end = std::to_chars(time_digits_, std::end(time_digits_), unix_ms).ptr;
    time_digits_bytes_ = static_cast<std::size_t>(end - time_digits_);
  }
  line.raw(level_prefix(level)).raw({time_digits_, time_digits_bytes_}).raw(after_time_);
  return line;
}

void Log::send(LogLine& line, std::string_view msg) noexcept { commit(line.end(msg)); }

void Log::send(LogLine& line, std::string_view trusted, std::string_view rest) noexcept {
  commit(line.end(trusted, rest));
}

void Log::event(LogLevel level, std::string_view msg,
                std::initializer_list<LogField> fields) noexcept {
  LogLine line = open(level, unix_ms_now());
  line.raw(", \"name\": ").raw(name_);
  for (const LogField& field : fields) {
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      line.field(field.key, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&field.value)) {
      line.number(field.key, *number);
    } else {
      line.number(field.key, std::get<std::uint64_t>(field.value));
    }
  }
  send(line, msg);
}

void Log::forward(std::string_view json_object) noexcept {
  const std::span<char> room = ring_.reserve();
  if (json_object.size() < room.size()) {
    std::memcpy(room.data(), json_object.data(), json_object.size());
    room[json_object.size()] = '\n';
    commit(json_object.size() + 1);
  }
}

void Log::commit(std::size_t bytes) noexcept {
  if (bytes > 0 && ring_.commit(bytes)) {
    writer_.wake();
  }
}

}  // namespace sk
