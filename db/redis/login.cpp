#include "db/redis/login.h"

#include "net/io/cancel.h"

#include "db/redis/connection.h"

#include <vector>

namespace sk::redis {
namespace {

bool is_refusal_of_password(std::string_view error) {
  return error.starts_with("WRONGPASS") || error.starts_with("NOAUTH") ||
         error.starts_with("NOPERM") || error.starts_with("ERR invalid password") ||
         error.find("without any password configured") != std::string_view::npos;
}

}  // namespace

bool means_wrong_server(std::string_view error) {
  return error.starts_with("READONLY") || error.starts_with("LOADING") ||
         error.starts_with("MASTERDOWN") || error.starts_with("NOAUTH");
}

Task<Result<void>> log_in(Connection& connection, CancelScope& scope, const Address& address,
                          std::string client_name, Instant until) {
  const bool secret = !address.password.empty();
  const std::string_view user = address.user.empty() ? "default" : std::string_view(address.user);
  std::vector<std::string_view> hello = {"HELLO", "3"};
  if (secret) {
    hello.insert(hello.end(), {"AUTH", user, address.password});
  }
  if (!client_name.empty()) {
    hello.insert(hello.end(), {"SETNAME", client_name});
  }
  Result<Reply> reply = co_await connection.ask(scope, hello, until);
  if (!reply) {
    co_return std::unexpected(std::move(reply.error()));
  }
  std::string refusal(reply->view().type() == ReplyType::error ? reply->view().text()
                                                               : std::string_view());
  if (!refusal.empty() && !is_refusal_of_password(refusal) && !means_wrong_server(refusal)) {
    // Before Redis 6 there is no HELLO; RESP2 says the same with other types.
    refusal.clear();
    if (secret) {
      std::vector<std::string_view> auth = {"AUTH"};
      if (!address.user.empty()) {
        auth.push_back(user);
      }
      auth.push_back(address.password);
      reply = co_await connection.ask(scope, auth, until);
      if (!reply) {
        co_return std::unexpected(std::move(reply.error()));
      }
      refusal = reply->view().type() == ReplyType::error ? reply->view().text() : "";
    }
  }
  if (refusal.empty()) {
    const std::string number = std::to_string(address.database);
    const std::vector<std::string_view> select = {"SELECT", number};
    reply = co_await connection.ask(scope, select, until);
    if (!reply) {
      co_return std::unexpected(std::move(reply.error()));
    }
    refusal = reply->view().type() == ReplyType::error ? reply->view().text() : "";
  }
  if (!refusal.empty()) {
    co_return std::unexpected(make_error(
        is_refusal_of_password(refusal) ? ErrorKind::rejected : ErrorKind::unavailable, refusal));
  }
  co_return Result<void>();
}

}  // namespace sk::redis
