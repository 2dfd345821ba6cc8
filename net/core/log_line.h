// LogLine writes one JSON log line into memory it is given; Log hands lines to a thread's ring.
//
// The form is pino's with one space after each colon and comma, because operators search it with
// regular expressions; see docs and net/http/access_log_line.h for the two lines per request. All
// text is escaped (json_text.h, log form). A line that would grow beyond its room loses text or
// whole fields, never its form: what leaves is always one valid JSON object and a newline.
#pragma once

#include "net/core/log_writer.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace sk {

enum class LogLevel : std::uint8_t { debug = 20, info = 30, warn = 40, error = 50, fatal = 60 };

// Milliseconds since 1970, from the kernel's clock: for lines outside of any loop.
std::int64_t unix_ms_now() noexcept;

class LogLine {
 public:
  // room: empty (then everything is ignored and end() returns 0), or at least 1 KiB (asserted).
  explicit LogLine(std::span<char> room) noexcept;

  // {"level": 30, "time": …, "pid": …, "hostname": "…"
  LogLine& begin(LogLevel level, std::int64_t unix_ms, const LogIdentity& identity) noexcept;

  // Trusted bytes that are part of a JSON line already, such as `, "res": {"statusCode": `.
  LogLine& raw(std::string_view json) noexcept;
  // The inside of a JSON string; at most bytes_max bytes of text are taken.
  LogLine& text(std::string_view text, std::size_t bytes_max = 2048) noexcept;
  LogLine& digits(std::int64_t number) noexcept;
  LogLine& digits(std::uint64_t number) noexcept;
  // Milliseconds with three decimals, 12.345, from nanoseconds; negative ones are written as 0.000.
  LogLine& millis(std::int64_t nanoseconds) noexcept;

  // `, "key": value`; the key is trusted text.
  LogLine& field(std::string_view key, std::string_view value) noexcept;
  LogLine& number(std::string_view key, std::int64_t value) noexcept;
  LogLine& number(std::string_view key, std::uint64_t value) noexcept;
  LogLine& millis(std::string_view key, std::int64_t nanoseconds) noexcept;

  // `, "msg": "…"}` and the newline; returns the size of the line. msg is cut where it does not
  // fit; at least 400 bytes of room are kept for it.
  std::size_t end(std::string_view msg) noexcept;
  // The same for a message in two parts; the first is trusted and short (asserted: 200 bytes).
  std::size_t end(std::string_view trusted, std::string_view rest) noexcept;

  explicit operator bool() const noexcept { return begin_ != nullptr; }

 private:
  bool fits(std::size_t bytes) const noexcept {
    return static_cast<std::size_t>(limit_ - at_) >= bytes;
  }

  char* begin_;
  char* at_;
  char* limit_;  // for everything but the message
  char* end_;
};

// A named value of an event line. Keys are trusted text; values may come from anywhere.
struct LogField {
  std::string_view key;
  std::variant<std::string_view, std::int64_t, std::uint64_t> value;

  LogField(std::string_view name, std::string_view text) : key(name), value(text) {}
  LogField(std::string_view name, const char* text) : key(name), value(std::string_view(text)) {}
  LogField(std::string_view name, const std::string& text)
      : key(name), value(std::string_view(text)) {}
  template <typename Int>
    requires std::is_integral_v<Int>
  LogField(std::string_view name, Int number) : key(name), value(widen(number)) {}

 private:
  template <typename Int>
  static std::variant<std::string_view, std::int64_t, std::uint64_t> widen(Int number) {
    if constexpr (std::is_signed_v<Int>) {
      return static_cast<std::int64_t>(number);
    } else {
      return static_cast<std::uint64_t>(number);
    }
  }
};

// Log is one thread's way to the log writer: its ring, and the parts of a line that never change.
//
// Owned and used by one thread. Allocates only when it is made.
class Log {
 public:
  explicit Log(LogWriter& writer);

  // A begun line in ring memory; false (empty) where it had to be dropped. Finish it with send()
  // before the next open().
  LogLine open(LogLevel level, std::int64_t unix_ms) noexcept;
  void send(LogLine& line, std::string_view msg) noexcept;
  void send(LogLine& line, std::string_view trusted, std::string_view rest) noexcept;

  // An event of the program: level, time, pid, hostname, name, the fields, msg.
  void event(LogLevel level, std::string_view msg,
             std::initializer_list<LogField> fields = {}) noexcept;

  // A line that exists already: one JSON object without its newline, which somebody else wrote.
  void forward(std::string_view json_object) noexcept;

  LogWriter& writer() noexcept { return writer_; }

 private:
  void commit(std::size_t bytes) noexcept;

  LogWriter& writer_;
  LogRing& ring_;
  std::string after_time_;  // , "pid": 1, "hostname": "…"
  std::string name_;        // the identity's, escaped

  // The digits of the last line's time: many lines share a millisecond.
  std::int64_t time_ms_ = -1;
  char time_digits_[24];
  std::size_t time_digits_bytes_ = 0;
};

}  // namespace sk
