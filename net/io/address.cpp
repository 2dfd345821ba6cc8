#include "net/io/address.h"

#include "net/core/assert.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

namespace sk {
namespace {

constexpr std::size_t kUnixPathMax = sizeof(sockaddr_un::sun_path) - 1;

std::unexpected<Error> refuse(const char* expected) {
  return fail(ErrorCode::malformed, expected, ErrorOrigin::config);
}

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || port > 65535) {
    return refuse("the port is a number from 0 to 65535");
  }
  return static_cast<std::uint16_t>(port);
}

// inet_pton wants a terminated string; longer than any address is none.
template <typename Binary>
bool parse_ip(int family, std::string_view text, Binary& binary) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.size() >= terminated.size()) {
    return false;
  }
  std::memcpy(terminated.data(), text.data(), text.size());
  return ::inet_pton(family, terminated.data(), &binary) == 1;
}

Result<sockaddr_in6> parse_ip6(std::string_view text) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  if (const std::size_t zone = text.find('%'); zone != std::string_view::npos) {
    out.sin6_scope_id = ::if_nametoindex(std::string(text.substr(zone + 1)).c_str());
    if (out.sin6_scope_id == 0) {
      return refuse("behind '%' stands the name of a network interface of this host");
    }
    text = text.substr(0, zone);
  }
  if (!parse_ip(AF_INET6, text, out.sin6_addr)) {
    return refuse("between the brackets stands an IPv6 address");
  }
  return out;
}

const in_addr* mapped_ip4(const in6_addr& ip6) {
  return IN6_IS_ADDR_V4MAPPED(&ip6) ? reinterpret_cast<const in_addr*>(&ip6.s6_addr[12]) : nullptr;
}

}  // namespace

Address Address::from(const sockaddr* address, socklen_t size) {
  Address out;
  SK_ASSERT(size <= sizeof(out.storage_));
  std::memcpy(&out.storage_, address, size);
  out.size_ = size;
  return out;
}

Result<Address> Address::parse(std::string_view text) {
  constexpr std::string_view kUnix = "unix:";
  if (text.starts_with(kUnix)) {
    const std::string_view path = text.substr(kUnix.size());
    if (path.empty() || (path[0] != '/' && path[0] != '@') || path.size() == 1) {
      return refuse("expected unix:/absolute/path or unix:@abstract-name");
    }
    if (path.size() > kUnixPathMax) {
      return refuse("a Unix socket's path has at most 107 bytes: choose a shorter one");
    }
    if (path.find('\0') != std::string_view::npos) {
      return refuse("a Unix socket's path has no zero byte");
    }
    sockaddr_un out{};
    out.sun_family = AF_UNIX;
    std::memcpy(out.sun_path, path.data(), path.size());
    const bool abstract = path[0] == '@';
    if (abstract) {
      out.sun_path[0] = '\0';
    }
    // The length of an abstract name counts its bytes only; a path is followed by its zero.
    const std::size_t size = offsetof(sockaddr_un, sun_path) + path.size() + (abstract ? 0U : 1U);
    return from(reinterpret_cast<const sockaddr*>(&out), static_cast<socklen_t>(size));
  }

  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos || close + 1 >= text.size() || text[close + 1] != ':') {
      return refuse("expected [IPv6]:port, such as [::]:443");
    }
    Result<sockaddr_in6> ip6 = parse_ip6(text.substr(1, close - 1));
    if (!ip6) {
      return fail(ip6.error());
    }
    const Result<std::uint16_t> port = parse_port(text.substr(close + 2));
    if (!port) {
      return fail(port.error());
    }
    ip6->sin6_port = htons(*port);
    return from(reinterpret_cast<const sockaddr*>(&*ip6), sizeof(*ip6));
  }

  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return refuse("expected IP:port, [IPv6]:port, unix:/path or unix:@name");
  }
  const std::string_view ip = text.substr(0, colon);
  if (ip.find(':') != std::string_view::npos) {
    return refuse("an IPv6 address stands in brackets: [::1]:443");
  }
  if (ip.empty() || ip == "*") {
    return refuse("say which address: [::]:port for all, 0.0.0.0:port for all of IPv4");
  }
  sockaddr_in out{};
  out.sin_family = AF_INET;
  if (!parse_ip(AF_INET, ip, out.sin_addr)) {
    return refuse("expected a numeric IP address before the port, not a host name");
  }
  const Result<std::uint16_t> port = parse_port(text.substr(colon + 1));
  if (!port) {
    return fail(port.error());
  }
  out.sin_port = htons(*port);
  return from(reinterpret_cast<const sockaddr*>(&out), sizeof(out));
}

Address Address::local_of(int fd) {
  Address out;
  out.size_ = sizeof(out.storage_);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&out.storage_), &out.size_) != 0) {
    return Address();
  }
  return out;
}

Address Address::peer_of(int fd) {
  Address out;
  out.size_ = sizeof(out.storage_);
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&out.storage_), &out.size_) != 0) {
    return Address();
  }
  return out;
}

std::uint16_t Address::port() const {
  switch (family()) {
    case AF_INET:
      return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
    case AF_INET6:
      return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
    default:
      return 0;
  }
}

void Address::set_port(std::uint16_t port) {
  SK_ASSERT(is_ip());
  // Both families keep the port at the same place.
  static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
  reinterpret_cast<sockaddr_in*>(&storage_)->sin_port = htons(port);
}

std::string_view Address::unix_path() const {
  constexpr std::size_t kHead = offsetof(sockaddr_un, sun_path);
  if (!is_unix() || size_ <= kHead) {
    return {};
  }
  const char* path = reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
  return {path, ::strnlen(path, size_ - kHead)};
}

std::string Address::to_string() const {
  if (empty()) {
    return "-";
  }
  if (is_unix()) {
    const std::string_view path = unix_path();
    constexpr std::size_t kHead = offsetof(sockaddr_un, sun_path);
    if (!path.empty() || size_ <= kHead + 1) {
      return std::string("unix:").append(path);
    }
    const char* name = reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path + 1;
    return std::string("unix:@").append(name, size_ - kHead - 1);
  }
  const PeerName name(*this);
  std::string text;
  if (name.ip().find(':') == std::string_view::npos) {
    text.append(name.ip());
  } else {
    text.append("[").append(name.ip()).append("]");
  }
  return text.append(":").append(std::to_string(name.port));
}

bool operator==(const Address& a, const Address& b) {
  return a.size_ == b.size_ && std::memcmp(&a.storage_, &b.storage_, a.size_) == 0;
}

PeerName::PeerName(const Address& address) : port(address.port()) {
  switch (address.family()) {
    case AF_INET: {
      const auto* ip4 = reinterpret_cast<const sockaddr_in*>(&address.storage_);
      ::inet_ntop(AF_INET, &ip4->sin_addr, text.data(), static_cast<socklen_t>(text.size()));
      break;
    }
    case AF_INET6: {
      const auto* ip6 = reinterpret_cast<const sockaddr_in6*>(&address.storage_);
      const in_addr* ip4 = mapped_ip4(ip6->sin6_addr);
      ::inet_ntop(ip4 != nullptr ? AF_INET : AF_INET6,
                  ip4 != nullptr ? static_cast<const void*>(ip4) : &ip6->sin6_addr, text.data(),
                  static_cast<socklen_t>(text.size()));
      break;
    }
    case AF_UNIX:
      std::memcpy(text.data(), "unix", 4);
      break;
    default:
      break;
  }
  length = static_cast<std::uint8_t>(::strnlen(text.data(), text.size()));
  // A link-local address means something only with its interface.
  if (address.family() == AF_INET6) {
    const auto* ip6 = reinterpret_cast<const sockaddr_in6*>(&address.storage_);
    std::array<char, IF_NAMESIZE> name{};
    if (ip6->sin6_scope_id != 0 && ::if_indextoname(ip6->sin6_scope_id, name.data()) != nullptr) {
      const std::size_t size =
          std::min(::strnlen(name.data(), name.size()), text.size() - length - 1U);
      text[length] = '%';
      std::memcpy(text.data() + length + 1, name.data(), size);
      length = static_cast<std::uint8_t>(length + 1 + size);
    }
  }
}

}  // namespace sk
