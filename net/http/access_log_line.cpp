#include "net/http/access_log_line.h"

#include <algorithm>

namespace sk {
namespace {

constexpr std::size_t kIdBytesMax = 64;
constexpr std::size_t kMethodBytesMax = 32;
constexpr std::size_t kUrlBytesMax = 2048;
constexpr std::size_t kHostBytesMax = 255;
constexpr std::size_t kShortBytesMax = 128;

constexpr bool is_id_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
         (byte >= '0' && byte <= '9') || byte == '_';
}

// Ids are made by us and clean; an id from elsewhere loses what a search pattern would stop at.
class CleanId {
 public:
  explicit CleanId(std::string_view id) noexcept {
    if (id.size() <= kIdBytesMax && std::ranges::all_of(id, is_id_byte)) {
      id_ = id;
      return;
    }
    std::size_t size = 0;
    for (const char byte : id) {
      if (is_id_byte(byte) && size < kIdBytesMax) {
        copy_[size++] = byte;
      }
    }
    id_ = {copy_, size};
  }
  CleanId(const CleanId&) = delete;
  CleanId& operator=(const CleanId&) = delete;

  std::string_view view() const noexcept { return id_; }

 private:
  char copy_[kIdBytesMax];
  std::string_view id_;
};

// Fragments do not belong in a request target, but if one comes it may hold what a query holds.
std::string_view without_query(std::string_view target) {
  return target.substr(0, target.find_first_of("?#"));
}

void text_field(LogLine& line, std::string_view key, std::string_view value) {
  if (!value.empty()) {
    line.field(key, value.substr(0, kShortBytesMax));
  }
}

// What completed and aborted lines share, from method on.
void outcome_fields(LogLine& line, const AccessLogRequest& request,
                    const AccessLogOutcome& outcome) {
  line.raw(", \"method\": \"").text(request.method, kMethodBytesMax);
  line.raw("\", \"url\": \"").text(without_query(request.target), kUrlBytesMax).raw("\"");
  if (!outcome.route_pattern.empty()) {
    line.raw(", \"routePattern\": \"").text(outcome.route_pattern, kShortBytesMax).raw("\"");
  }
  text_field(line, "upstream", outcome.upstream);
  text_field(line, "endpoint", outcome.endpoint);
  text_field(line, "reason", outcome.reason);
  if (outcome.response_body_bytes != 0) {
    line.number("bytes", outcome.response_body_bytes);
  }
  if (outcome.upstream_time_ns != 0) {
    line.millis("upstreamTime", outcome.upstream_time_ns);
  }
  if (outcome.attempts > 1) {
    line.number("attempts", static_cast<std::uint64_t>(outcome.attempts));
  }
  text_field(line, "traceId", outcome.trace_id);
  line.raw(outcome.extra_json);
}

}  // namespace

void log_incoming(Log& log, std::int64_t unix_ms, const AccessLogRequest& request) noexcept {
  LogLine line = log.open(LogLevel::info, unix_ms);
  if (!line) {
    return;
  }
  const CleanId id(request.id);
  line.raw(", \"reqId\": \"req-").raw(id.view());
  line.raw("\", \"req\": {\"method\": \"").text(request.method, kMethodBytesMax);
  line.raw("\", \"url\": \"").text(without_query(request.target), kUrlBytesMax);
  line.raw("\", \"host\": \"").text(request.host, kHostBytesMax);
  line.raw("\", \"remoteAddress\": \"").text(request.remote_address, kShortBytesMax);
  line.raw("\", \"remotePort\": ").digits(static_cast<std::uint64_t>(request.remote_port));
  line.raw("}");
  log.send(line, "incoming request req-", id.view());
}

void log_completed(Log& log, const AccessLogRequest& request,
                   const AccessLogOutcome& outcome) noexcept {
  const LogLevel level = outcome.status >= 500 ? LogLevel::error : LogLevel::info;
  LogLine line = log.open(level, outcome.unix_ms);
  if (!line) {
    return;
  }
  const CleanId id(request.id);
  const auto status = static_cast<std::uint64_t>(std::clamp(outcome.status, 0, 999));
  line.raw(", \"reqId\": \"req-").raw(id.view());
  line.raw("\", \"res\": {\"statusCode\": ").digits(status);
  line.raw("}, \"statusCode\": ").digits(status);
  line.raw(", \"responseTime\": ").millis(outcome.response_time_ns);
  outcome_fields(line, request, outcome);
  log.send(line, "request completed req-", id.view());
}

void log_aborted(Log& log, const AccessLogRequest& request,
                 const AccessLogOutcome& outcome) noexcept {
  LogLine line = log.open(LogLevel::warn, outcome.unix_ms);
  if (!line) {
    return;
  }
  const CleanId id(request.id);
  line.raw(", \"reqId\": \"req-").raw(id.view());
  line.raw("\", \"responseTime\": ").millis(outcome.response_time_ns);
  outcome_fields(line, request, outcome);
  log.send(line, "request aborted req-", id.view());
}

}  // namespace sk
