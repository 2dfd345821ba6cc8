#include "bench/generator/target.h"

#include <algorithm>
#include <charconv>

namespace sk::bench {
namespace {

constexpr const char* kExpected =
    "expected a URL of scheme, host and port only, such as http://127.0.0.1:7500 or "
    "https://localhost:8443";

std::unexpected<Error> unexpected_target() {
  return fail(ErrorCode::malformed, kExpected, ErrorOrigin::config);
}

bool is_host(std::string_view host, bool bracketed) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [&](char byte) {
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '-' || byte == '_' ||
           (bracketed && byte == ':');
  });
}

}  // namespace

Result<Target> Target::parse(std::string_view url) {
  Target target;
  target.url = std::string(url);
  if (url.starts_with("https://")) {
    target.tls = true;
    url.remove_prefix(8);
  } else if (url.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return unexpected_target();
  }
  if (url.ends_with('/')) {
    url.remove_suffix(1);
  }
  target.authority = std::string(url);
  const bool bracketed = url.starts_with('[');
  std::string_view host = url.substr(0, url.find(':'));
  if (bracketed) {
    const std::size_t end = url.find(']');
    if (end == std::string_view::npos) {
      return unexpected_target();
    }
    host = url.substr(1, end - 1);
    url.remove_prefix(end + 1);
  } else {
    url.remove_prefix(host.size());
  }
  if (!is_host(host, bracketed)) {
    return unexpected_target();
  }
  target.host = std::string(host);
  target.port = target.tls ? 443 : 80;
  if (!url.empty()) {
    url.remove_prefix(1);
    const auto [end, error] = std::from_chars(url.data(), url.data() + url.size(), target.port);
    if (error != std::errc() || end != url.data() + url.size() || target.port == 0) {
      return unexpected_target();
    }
  }
  return target;
}

}  // namespace sk::bench
