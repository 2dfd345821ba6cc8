#include "db/redis/config.h"

#include <charconv>
#include <optional>

namespace sk::redis {
namespace {

std::unexpected<sk::Error> refuse(const char* detail) {
  return sk::fail(ErrorCode::malformed, detail, ErrorOrigin::config);
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const char* end = text.data() + i + 3;
    if (i + 2 >= text.size() || std::from_chars(text.data() + i + 1, end, value, 16).ptr != end) {
      return std::nullopt;
    }
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

template <typename Number>
bool parse_number(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

// user:password, :password or, as Redis' own tools read it, password alone for "default".
bool parse_credentials(std::string_view text, Address& address) {
  const std::size_t colon = text.find(':');
  const auto first = percent_decode(text.substr(0, colon));
  const auto second =
      percent_decode(colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1));
  if (!first || !second) {
    return false;
  }
  address.user = colon == std::string_view::npos ? "" : *first;
  address.password = colon == std::string_view::npos ? *first : *second;
  return true;
}

// host, host:port, [IPv6]:port; both may be missing.
bool parse_host_port(std::string_view text, Address& address) {
  std::string_view host = text;
  std::string_view port;
  const std::size_t bracket = text.starts_with('[') ? text.find(']') : 0;
  if (bracket == std::string_view::npos) {
    return false;
  }
  if (const std::size_t colon = text.find(':', bracket); colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (!parse_number(port, address.port) || address.port == 0) {
      return false;
    }
  }
  if (host.starts_with('[')) {
    host = host.substr(1, host.size() - 2);
  }
  const auto decoded = percent_decode(host);
  if (!decoded) {
    return false;
  }
  address.host = decoded->empty() ? "localhost" : *decoded;
  return true;
}

}  // namespace

sk::Result<Address> parse_url(std::string_view url) {
  Address address;
  bool local = false;
  if (url.starts_with("redis://")) {
    url.remove_prefix(8);
  } else if (url.starts_with("rediss://")) {
    url.remove_prefix(9);
    address.tls = true;
  } else if (url.starts_with("unix://")) {
    url.remove_prefix(7);
    local = true;
  } else {
    return refuse("the Redis URL begins with redis://, rediss:// or unix://");
  }

  std::string_view database;
  if (const std::size_t query = url.find('?'); query != std::string_view::npos) {
    std::string_view parameter = url.substr(query + 1);
    url = url.substr(0, query);
    if (!parameter.starts_with("db=")) {
      return refuse("the Redis URL may have ?db=NUMBER and no other parameter");
    }
    database = parameter.substr(3);
    if (!parse_number(database, address.database)) {
      return refuse("db= in the Redis URL is a number");
    }
  }
  const std::size_t slash = url.find('/');
  std::string_view authority = url.substr(0, slash);
  std::string_view path = slash == std::string_view::npos ? std::string_view() : url.substr(slash);
  if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos) {
    if (!parse_credentials(authority.substr(0, at), address)) {
      return refuse("a % in the Redis URL's user or password is followed by two hex digits");
    }
    authority = authority.substr(at + 1);
  }
  if (local) {
    const auto decoded = percent_decode(path);
    if (!authority.empty() || !decoded || decoded->size() < 2) {
      return refuse("a Redis socket is written as unix:///absolute/path");
    }
    address.socket_path = *decoded;
    return address;
  }
  if (!parse_host_port(authority, address)) {
    return refuse("the Redis URL's host is NAME, NAME:PORT or [IPv6]:PORT");
  }
  path.remove_prefix(path.empty() ? 0 : 1);
  if (!path.empty() && !parse_number(path, address.database)) {
    return refuse("behind the Redis URL's host stands the number of the database, such as /0");
  }
  return address;
}

}  // namespace sk::redis
