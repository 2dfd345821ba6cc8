#include "net/io/connector.h"

#include "net/io/loop.h"
#include "net/io/operation.h"
#include "net/io/socket_options.h"

#include <sys/socket.h>

#include <cerrno>

namespace sk {

Task<Result<int>> connect_to(CancelScope& scope, Address address, Instant until) {
  const int fd = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) {
    co_return fail(error_from_errno(errno, "socket", ErrorOrigin::upstream));
  }
  if (address.is_ip()) {
    tune_stream_socket(fd);
  }
  const Result<void> connected = co_await Connect(scope, fd, address.get(), address.size(), until);
  if (!connected) {
    scope.loop().close(fd);
    Error error = connected.error();
    error.origin = ErrorOrigin::upstream;
    co_return fail(error);
  }
  co_return fd;
}

}  // namespace sk
