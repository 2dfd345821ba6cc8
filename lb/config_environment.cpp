#include "lb/config_environment.h"

#include "lb/config_units.h"

#include <charconv>

namespace sk::lb {
namespace {

std::optional<std::uint32_t> parse_count(std::string_view text, std::uint32_t most) {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || number > most) {
    return std::nullopt;
  }
  return number;
}

}  // namespace

std::optional<RequestLog> parse_request_log(std::string_view text) {
  for (const RequestLog value :
       {RequestLog::both, RequestLog::completed, RequestLog::errors, RequestLog::off}) {
    if (to_string(value) == text) {
      return value;
    }
  }
  return std::nullopt;
}

std::string_view to_string(RequestLog requests) {
  switch (requests) {
    case RequestLog::both:
      return "both";
    case RequestLog::completed:
      return "completed";
    case RequestLog::errors:
      return "errors";
    case RequestLog::off:
      return "off";
  }
  return "both";
}

void apply_environment(Config& config, const Environment& environment, ConfigMessages& messages) {
  // Reads one variable; `take` returns false where the value is not one.
  const auto apply = [&](const char* name, const char* expected, const auto& take) {
    const std::optional<std::string> value = environment(name);
    if (value && !value->empty() && !take(std::string_view(*value))) {
      messages.error({}, name, std::string("expected ") + expected + "; got " + in_quotes(*value));
    }
  };
  apply("SIDEKICK_IO", "auto, uring or epoll", [&](std::string_view text) {
    const Result<IoChoice> choice = parse_io_choice(text);
    config.server.io = choice.value_or(config.server.io);
    return choice.has_value();
  });
  apply("SIDEKICK_STOP_TIMEOUT", "a duration such as 30s", [&](std::string_view text) {
    // ECS and `docker stop -t` count seconds.
    const std::string with_unit = std::string(text) + (parse_count(text, UINT32_MAX) ? "s" : "");
    const Result<Duration> duration = parse_duration(with_unit);
    config.server.stop_timeout = duration.value_or(config.server.stop_timeout);
    return duration.has_value();
  });
  apply("SIDEKICK_THREADS", "a number from 0 to 256", [&](std::string_view text) {
    const auto count = parse_count(text, 256);
    config.server.threads = count.value_or(config.server.threads);
    return count.has_value();
  });
  apply("SIDEKICK_WORKERS", "a number from 0 to 256", [&](std::string_view text) {
    const auto count = parse_count(text, 256);
    for (UpstreamConfig& upstream : config.upstreams) {
      if (upstream.workers && upstream.workers->count == 0) {
        upstream.workers->count = count.value_or(0);
      }
    }
    return count.has_value();
  });
  apply("SIDEKICK_LOG_REQUESTS", "both, completed, errors or off", [&](std::string_view text) {
    const auto requests = parse_request_log(text);
    config.log.requests = requests.value_or(config.log.requests);
    return requests.has_value();
  });
  apply("SIDEKICK_ADMIN", "an address such as 127.0.0.1:9900", [&](std::string_view text) {
    const Result<ConfigAddress> address = parse_config_address(text);
    if (address) {
      config.admin.address = *address;
    }
    return address.has_value();
  });
}

}  // namespace sk::lb
