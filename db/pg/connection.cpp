#include "db/pg/connection.h"

#include "net/io/operation.h"
#include "net/io/resolver.h"

#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

namespace sk::pg {
namespace {

constexpr std::size_t kMessageBytesMax = 500;
constexpr std::size_t kAddressesMax = 16;  // libpq tries them one by one

void drop_notice(void*, const PGresult*) {}  // libpq's own receiver prints to stderr

// Verbose messages carry the SQLSTATE ("FATAL:  28P01: password ..."), which libpq gives in no
// other way while it connects. The last one counts: libpq may have tried several addresses.
std::string_view sqlstate_in(std::string_view message) {
  std::string_view found;
  for (std::size_t at = message.find(":  "); at != std::string_view::npos;
       at = message.find(":  ", at + 1)) {
    const std::string_view code = message.substr(at + 3, 5);
    const bool is_code = code.size() == 5 && message.substr(at + 8, 2) == ": " &&
                         std::ranges::all_of(code, [](char c) {
                           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
                         });
    if (is_code) {
      found = code;
    }
  }
  return found;
}

void set_sqlstate(Error& error, std::string_view code) {
  std::ranges::copy(code.substr(0, error.sqlstate_text.size() - 1), error.sqlstate_text.begin());
}

Error refusal(const Connection& connection) {
  const std::string_view message = PQerrorMessage(connection.get());
  Error error = make_error(ErrorKind::unavailable, one_line(message));
  set_sqlstate(error, sqlstate_in(message));
  return error;
}

Error interrupted(const sk::Error& reason, std::string_view step) {
  const bool late = reason.code == ErrorCode::timeout || reason.code == ErrorCode::deadline;
  const ErrorKind kind = late                                  ? ErrorKind::timeout
                         : reason.code == ErrorCode::cancelled ? ErrorKind::cancelled
                                                               : ErrorKind::unavailable;
  return make_error(kind, std::string(step) + ": " + sk::describe(reason));
}

// Every address of every host, in libpq's form of parallel lists.
struct Targets {
  std::string hosts;
  std::string addresses;
  std::string ports;
  std::size_t count = 0;

  void add(const Host& host, std::string_view address) {
    if (count++ > 0) {
      hosts += ',';
      addresses += ',';
      ports += ',';
    }
    hosts += host.name;
    addresses += address;
    ports += host.port;
  }
};

Task<Result<Targets>> look_up(Resolver& resolver, const ConnectionSettings& settings,
                              CancelScope& scope, Instant until) {
  Targets targets;
  Error last = make_error(ErrorKind::unavailable, "no host is configured");
  for (const Host& host : settings.hosts) {
    if (!host.needs_lookup()) {
      targets.add(host, host.address);
      continue;
    }
    auto found = co_await resolver.resolve(scope, host.name, 0, until);
    if (!found) {
      last = interrupted(found.error(), "looking up \"" + host.name + "\"");
      continue;
    }
    for (const Address& address : *found) {
      if (targets.count < kAddressesMax) {
        const PeerName name(address);
        targets.add(host, name.ip());
      }
    }
  }
  if (targets.count == 0) {
    co_return std::unexpected(std::move(last));
  }
  co_return targets;
}

// libpq would say this as well, but only once it has connected, and without the way out.
std::optional<Error> missing_ca_file(const ConnectionSettings& settings) {
  const std::string& file = settings.needed_ca_file;
  if (file.empty() || ::access(file.c_str(), R_OK) == 0) {
    return std::nullopt;
  }
  return make_error(ErrorKind::unavailable,
                    "the certificate bundle " + file + " cannot be read (" +
                        strerrordesc_np(errno) +
                        "): put the database's authorities there (of RDS: global-bundle.pem), or "
                        "set PGSSLROOTCERT to where they are");
}

PGconn* start(const ConnectionSettings& settings, const Targets& targets) {
  std::vector<const char*> names;
  std::vector<const char*> values;
  const auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) {
      names.push_back(name);
      values.push_back(value.c_str());
    }
  };
  for (const auto& [name, value] : settings.options) {
    put(name.c_str(), value);
  }
  // Lists that are only commas mean "none", and are not the same as the absence of the keyword.
  const auto is_empty = [](const std::string& list) {
    return list.find_first_not_of(',') == std::string::npos;
  };
  if (!is_empty(targets.hosts)) {
    put("host", targets.hosts);
  }
  if (!is_empty(targets.addresses)) {
    put("hostaddr", targets.addresses);
  }
  put("port", targets.ports);
  names.push_back(nullptr);
  values.push_back(nullptr);
  return PQconnectStartParams(names.data(), values.data(), 0);
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  while (!text.empty() && line.size() < kMessageBytesMax) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    part.remove_prefix(std::min(part.find_first_not_of(" \t"), part.size()));
    if (!part.empty() && !part.starts_with("LOCATION:")) {
      line.append(line.empty() ? "" : " ").append(part);
    }
  }
  line.resize(std::min(line.size(), kMessageBytesMax));
  return line;
}

Error error_of(const PGresult* result) {
  const auto field = [result](int code) {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? std::string_view() : std::string_view(text);
  };
  const std::string_view sqlstate = field(PG_DIAG_SQLSTATE);
  const std::string_view primary = field(PG_DIAG_MESSAGE_PRIMARY);
  Error error;
  // Without a SQLSTATE it is libpq that speaks: the connection broke.
  error.kind = sqlstate.empty() ? ErrorKind::unavailable : kind_of_sqlstate(sqlstate);
  error.message = one_line(primary.empty() ? PQresultErrorMessage(result) : primary);
  error.constraint = field(PG_DIAG_CONSTRAINT_NAME);
  set_sqlstate(error, sqlstate);
  return error;
}

void Connection::close() {
  unwatch();
  if (native_ != nullptr) {
    PQfinish(std::exchange(native_, nullptr));
  }
}

bool Connection::watch() {
  unwatch();
  const int fd = PQsocket(native_);
  watch_fd_ = fd < 0 ? -1 : ::fcntl(fd, F_DUPFD_CLOEXEC, 3);
  return watch_fd_ >= 0;
}

void Connection::unwatch() {
  if (watch_fd_ >= 0) {
    loop_->close(std::exchange(watch_fd_, -1));
  }
}

std::string Connection::message() const { return one_line(PQerrorMessage(native_)); }

bool Connection::consume() {
  if (PQconsumeInput(native_) == 0) {
    return false;
  }
  auto* tls = static_cast<SSL*>(PQsslStruct(native_, "OpenSSL"));
  while (tls != nullptr && SSL_pending(tls) > 0) {
    if (PQconsumeInput(native_) == 0) {
      return false;
    }
    tls = static_cast<SSL*>(PQsslStruct(native_, "OpenSSL"));
  }
  return true;
}

Task<Result<Connection>> connect(Loop& loop, Resolver& resolver, const ConnectionSettings& settings,
                                 CancelScope& scope, Instant until) {
  if (std::optional<Error> missing = missing_ca_file(settings)) {
    co_return std::unexpected(std::move(*missing));
  }
  auto targets = co_await look_up(resolver, settings, scope, until);
  if (!targets) {
    co_return std::unexpected(std::move(targets.error()));
  }
  Connection connection(loop, start(settings, *targets));
  if (connection.get() == nullptr) {
    co_return std::unexpected(make_error(ErrorKind::unavailable, "libpq is out of memory"));
  }
  PQsetNoticeReceiver(connection.get(), drop_notice, nullptr);
  PQsetErrorVerbosity(connection.get(), PQERRORS_VERBOSE);
  PostgresPollingStatusType status = PGRES_POLLING_WRITING;
  if (PQstatus(connection.get()) == CONNECTION_BAD) {
    co_return std::unexpected(refusal(connection));
  }
  while (status != PGRES_POLLING_OK) {
    if (!connection.watch()) {
      co_return std::unexpected(make_error(
          ErrorKind::unavailable, "no descriptor left to watch the connection: raise the limit"));
    }
    const bool writing = status == PGRES_POLLING_WRITING;
    Poll poll(scope, connection.fd(), writing ? POLLOUT : POLLIN, until);
    const sk::Result<short> ready = co_await poll;
    connection.unwatch();
    if (!ready) {
      co_return std::unexpected(interrupted(ready.error(), "connecting to " + settings.place()));
    }
    status = PQconnectPoll(connection.get());
    if (status == PGRES_POLLING_FAILED) {
      co_return std::unexpected(refusal(connection));
    }
  }
  if (PQsetnonblocking(connection.get(), 1) != 0 || !connection.watch()) {
    co_return std::unexpected(refusal(connection));
  }
  co_return connection;
}

}  // namespace sk::pg
