#include "lb/healthcheck.h"

#include "net/core/owned_fd.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>

namespace sk::lb {
namespace {

constexpr timeval kTimeout{2, 0};

std::optional<std::string> trouble(const sk::Address& address, const char* step) {
  return address.to_string() + ": " + describe(error_from_errno(errno, step));
}

}  // namespace

std::optional<sk::Address> probe_address(const Config& config) {
  std::optional<ConfigAddress> found = config.admin.address;
  for (const ListenerConfig& listener : config.listeners) {
    if (!found && !listener.tls) {
      found = listener.address;
    }
  }
  if (!found) {
    return std::nullopt;
  }
  if (found->kind == ConfigAddress::Kind::ip && (found->host == "0.0.0.0" || found->host == "::")) {
    found->host = found->host == "::" ? "::1" : "127.0.0.1";
  }
  const Result<sk::Address> address = sk::Address::parse(to_string(*found));
  return address ? std::optional(*address) : std::nullopt;
}

std::optional<std::string> probe(const sk::Address& address, const std::string& path) {
  const OwnedFd socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int fd = socket.get();
  if (fd < 0) {
    return trouble(address, "socket");
  }
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kTimeout, sizeof kTimeout);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kTimeout, sizeof kTimeout);
  const std::string request =
      "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
  if (::connect(fd, address.get(), address.size()) != 0) {
    return trouble(address, "connect");
  }
  if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(request.size())) {
    return trouble(address, "send");
  }
  std::string answer(32, '\0');
  const ssize_t size = ::recv(fd, answer.data(), answer.size(), MSG_WAITALL);
  if (size < 0) {
    return trouble(address, "receive");
  }
  answer.resize(static_cast<std::size_t>(size));
  if (!answer.starts_with("HTTP/1.1 200 ")) {
    return address.to_string() + " answered " + path + " with \"" +
           answer.substr(0, answer.find('\r')) + "\"";
  }
  return std::nullopt;
}

}  // namespace sk::lb
