#include "net/io/listener.h"

#include "net/core/owned_fd.h"
#include "net/io/socket_options.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace sk {
namespace {

std::unexpected<Error> refuse(int sys_errno, const char* step) {
  return fail(error_from_errno(sys_errno, step, ErrorOrigin::config));
}

// True if the file is a socket that refuses connections: its program ended without removing it.
bool is_stale_socket(const Address& address, const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return false;
  }
  const OwnedFd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe.get() >= 0 && ::connect(probe.get(), address.get(), address.size()) != 0 &&
         errno == ECONNREFUSED;
}

int bind_socket(int fd, const Address& address) {
  if (::bind(fd, address.get(), address.size()) == 0) {
    return 0;
  }
  const int error = errno;
  const std::string path(address.unix_path());
  if (error != EADDRINUSE || path.empty() || !is_stale_socket(address, path) ||
      ::unlink(path.c_str()) != 0) {
    return error;
  }
  return ::bind(fd, address.get(), address.size()) == 0 ? 0 : errno;
}

}  // namespace

Result<Listener> Listener::open(const Address& address, const ListenOptions& options) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    return refuse(errno, "socket");
  }
  Listener listener(fd, Address());  // closes fd on the ways out below
  if (address.is_ip()) {
    const int on = 1;
    const int off = 0;
    static_cast<void>(::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
    if (address.family() == AF_INET6) {
      // [::] means everybody, also where the system's default says otherwise.
      static_cast<void>(::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)));
    }
    tune_stream_socket(fd);  // what it accepts inherits this
  }
  if (const int error = bind_socket(fd, address); error != 0) {
    return refuse(error, "bind");
  }
  // From here on the socket's file is ours to remove.
  listener.local_ = Address::local_of(fd);
  const std::string path(address.unix_path());
  // Before listen(): nobody connects while the mode is still the umask's.
  if (!path.empty() && ::chmod(path.c_str(), options.unix_mode) != 0) {
    return refuse(errno, "chmod");
  }
  if (::listen(fd, options.backlog) != 0) {
    return refuse(errno, "listen");
  }
  return listener;
}

void Listener::close() {
  if (fd_ < 0) {
    return;
  }
  if (const std::string path(local_.unix_path()); !path.empty()) {
    ::unlink(path.c_str());
  }
  ::close(std::exchange(fd_, -1));
}

std::string explain_listen_failure(const Address& address, const Error& error) {
  std::string text = "cannot listen on " + address.to_string() + ": ";
  const char* name = strerrorname_np(error.sys_errno);
  const std::string code = name != nullptr ? std::string(" (") + name + ")" : std::string();
  switch (error.sys_errno) {
    case EADDRINUSE:
      if (address.is_unix()) {
        return text + "another program listens there, or a file that is no socket is in the way" +
               code + ": stop that program, remove the file, or configure another path";
      }
      return text + "the address is in use" + code +
             ": stop the program that has it (ss -ltnp names it) or configure another one";
    case EADDRNOTAVAIL:
      return text + "this host does not have that address" + code +
             ": ip address lists those it has; [::] and 0.0.0.0 stand for all";
    case EAFNOSUPPORT:
      return text + "this host has no IPv6" + code + ": configure 0.0.0.0 instead of [::]";
    case EACCES:
    case EPERM:
      if (address.is_unix()) {
        return text + "no permission" + code + ": the directory must be writable for this user";
      }
      return text + "no permission" + code +
             ": ports below 1024 need root or the capability CAP_NET_BIND_SERVICE";
    case ENOENT:
      return text + "the directory does not exist" + code + ": create it";
    default:
      return text + describe(error);
  }
}

}  // namespace sk
