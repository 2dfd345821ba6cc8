#include "lb/config_address.h"

#include <arpa/inet.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace sk::lb {
namespace {

std::unexpected<Error> wrong(const char* detail) {
  return fail(ErrorCode::malformed, detail, ErrorOrigin::config);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || port == 0) {
    return wrong("the port must be a number from 1 to 65535");
  }
  return port;
}

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= 253 && name.front() != '-' && name.front() != '.' &&
         name.find("..") == std::string_view::npos && std::ranges::all_of(name, [](char byte) {
           return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                  (byte >= '0' && byte <= '9') || byte == '-' || byte == '.' || byte == '_';
         });
}

Result<ConfigAddress> parse_unix(std::string_view path) {
  if (path.empty() || path.front() != '/') {
    return wrong("a Unix socket needs an absolute path: unix:/run/app.sock");
  }
  if (path.size() >= sizeof(sockaddr_un::sun_path)) {
    return wrong("the path of a Unix socket holds at most 107 bytes");
  }
  if (path.find('\0') != std::string_view::npos) {
    return wrong("the path holds a NUL byte");
  }
  return ConfigAddress{ConfigAddress::Kind::unix_path, std::string(path), 0};
}

Result<ConfigAddress> parse_dns(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return wrong("the port is missing: dns://name:8080");
  }
  if (!is_host_name(text.substr(0, colon))) {
    return wrong("not a host name");
  }
  const Result<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) {
    return fail(port.error());
  }
  return ConfigAddress{ConfigAddress::Kind::dns, std::string(text.substr(0, colon)), *port};
}

constexpr std::array<std::uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool is_mapped(const std::array<std::uint8_t, 16>& bytes) {
  return std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin());
}

std::string ip_text(const std::array<std::uint8_t, 16>& bytes) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_mapped(bytes)) {
    inet_ntop(AF_INET, bytes.data() + 12, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  }
  return text;
}

}  // namespace

Result<std::array<std::uint8_t, 16>> parse_ip(std::string_view text) {
  char copy[INET6_ADDRSTRLEN] = {};
  if (text.size() >= sizeof copy || text.find('\0') != std::string_view::npos) {
    return wrong("not an IP address");
  }
  std::memcpy(copy, text.data(), text.size());
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, copy, bytes.data()) == 1) {
    return bytes;
  }
  std::ranges::copy(kMappedPrefix, bytes.begin());
  if (inet_pton(AF_INET, copy, bytes.data() + 12) == 1) {
    return bytes;
  }
  return wrong("not an IP address");
}

std::string to_string(const ConfigAddress& address) {
  switch (address.kind) {
    case ConfigAddress::Kind::unix_path:
      return "unix:" + address.host;
    case ConfigAddress::Kind::dns:
      return "dns://" + address.host + ":" + std::to_string(address.port);
    case ConfigAddress::Kind::ip:
      break;
  }
  const bool six = address.host.find(':') != std::string::npos;
  return (six ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

Result<ConfigAddress> parse_config_address(std::string_view text) {
  if (text.starts_with("unix:")) {
    return parse_unix(text.substr(5));
  }
  if (text.starts_with("dns://")) {
    return parse_dns(text.substr(6));
  }
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return wrong("the port is missing: 0.0.0.0:80 or [::]:443");
  }
  std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (bracketed) {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return wrong("an IPv6 address stands in brackets: [::]:443");
  }
  const Result<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) {
    return fail(port.error());
  }
  const bool six = host.find(':') != std::string_view::npos;
  if (!parse_ip(host) || six != bracketed) {
    return wrong("not an IP address; a name is written dns://name:port");
  }
  return ConfigAddress{ConfigAddress::Kind::ip, std::string(host), *port};
}

bool is_local(const ConfigAddress& address) {
  if (address.kind == ConfigAddress::Kind::unix_path) {
    return true;
  }
  const auto bytes = parse_ip(address.host);
  if (address.kind != ConfigAddress::Kind::ip || !bytes) {
    return false;
  }
  constexpr std::array<std::uint8_t, 16> kLoopback6 = {0, 0, 0, 0, 0, 0, 0, 0,
                                                       0, 0, 0, 0, 0, 0, 0, 1};
  return is_mapped(*bytes) ? (*bytes)[12] == 127 : *bytes == kLoopback6;
}

bool Network::contains(const std::array<std::uint8_t, 16>& address) const {
  const std::size_t whole = prefix_bits / 8U;
  if (!std::equal(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(whole),
                  address.begin())) {
    return false;
  }
  const unsigned rest = prefix_bits % 8U;
  const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
  return rest == 0 || ((bytes[whole] ^ address[whole]) & mask) == 0;
}

std::string to_string(const Network& network) {
  const unsigned offset = is_mapped(network.bytes) && network.prefix_bits >= 96 ? 96 : 0;
  return ip_text(network.bytes) + "/" + std::to_string(network.prefix_bits - offset);
}

Result<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto bytes = parse_ip(text.substr(0, slash));
  if (!bytes) {
    return wrong("not a network such as 10.0.0.0/16");
  }
  const bool four = is_mapped(*bytes) && text.find(':') == std::string_view::npos;
  unsigned bits = four ? 32 : 128;
  if (slash != std::string_view::npos) {
    const std::string_view length = text.substr(slash + 1);
    unsigned given = 0;
    const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), given);
    if (length.empty() || error != std::errc{} || end != length.data() + length.size() ||
        given > bits) {
      return wrong("the length of a network is 0 to 32 for IPv4, 0 to 128 for IPv6");
    }
    bits = given;
  }
  Network network{*bytes, static_cast<std::uint8_t>(bits + (four ? 96 : 0))};
  for (std::size_t bit = network.prefix_bits; bit < 128; ++bit) {
    if ((network.bytes[bit / 8] & (0x80U >> bit % 8)) != 0) {
      return wrong("the network has bits beyond its length: write 10.0.0.0/16, not 10.0.3.7/16");
    }
  }
  return network;
}

}  // namespace sk::lb
