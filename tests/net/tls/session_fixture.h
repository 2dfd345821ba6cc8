// TlsSessionTest: a TlsTransport and OpenSSL's own client over a socket pair. One thread moves both
// ends, so that a test decides which bytes arrive when; establish(), receive() and failure_of()
// move them as far as most tests need.
#pragma once

#include "net/core/assert.h"
#include "net/io/socket_transport.h"
#include "net/tls/session.h"

#include "tests/net/tls/tls_client.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sk::test {

// A context of its own per name, from one certificate that the whole process shares.
inline std::shared_ptr<const TlsContext> make_context(std::shared_ptr<TicketKeys> tickets,
                                                      const std::string& name = "edge",
                                                      const char* algorithm = "EC") {
  static test::CertificateFolder folder;
  static const auto ec = folder.make("ec");
  static const auto rsa = folder.make("rsa", "RSA");
  const auto& pair = algorithm == std::string("EC") ? ec : rsa;
  TlsConfig config;
  config.certificate = {pair.certificate, pair.key};
  config.name = name;
  std::string why;
  const auto context = TlsContext::create(config, std::move(tickets), why);
  SK_ASSERT(context.has_value());
  return *context;
}

// Server and client ends of one connection.
struct Connection {
  Connection(Loop& loop, std::shared_ptr<const TlsContext> context, HandshakeAdmission& admission,
             const TlsClientOptions& options = {}, Duration write_stall = std::chrono::seconds(5)) {
    int fds[2];
    SK_ASSERT(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    server = std::make_unique<TlsTransport>(
        std::move(context), admission,
        std::make_unique<SocketTransport>(loop, fds[0], write_stall));
    client = std::make_unique<TlsClient>(fds[1], options);
    server->start();
  }
  std::unique_ptr<TlsTransport> server;
  std::unique_ptr<TlsClient> client;
};

class TlsSessionTest : public test::LoopTest {
 protected:
  TlsSessionTest() : admission_(*loop_), context_(make_context(tickets_)) {}
  ~TlsSessionTest() override {
    for (auto& connection : connections_) {
      run(connection->server->close());
    }
  }

  Connection& connect(const TlsClientOptions& options = {}) {
    connections_.push_back(std::make_unique<Connection>(*loop_, context_, admission_, options));
    return *connections_.back();
  }

  // Moves the client and the loop until the condition holds.
  bool move_until(Connection& c, const std::function<bool()>& done,
                  Duration limit = std::chrono::seconds(10)) {
    const Instant end = loop_->read_clock() + limit;
    while (!done()) {
      if (loop_->read_clock() >= end) {
        return false;
      }
      if (c.client->fd() >= 0) {
        c.client->step();
      }
      loop_->run_once(loop_->read_clock() + std::chrono::microseconds(200));
    }
    return true;
  }

  bool establish(Connection& c) {
    return move_until(c,
                      [&] {
                        return (c.server->established() && c.client->connected()) ||
                               c.server->broken();
                      }) &&
           c.server->established();
  }

  void settle(Connection& c) {
    for (int turn = 0; turn < 10; ++turn) {
      if (c.client->fd() >= 0) {
        c.client->step();
      }
      loop_->run_once(loop_->now());
    }
  }

  // Takes everything that has arrived, up to `size` bytes.
  std::string receive(Connection& c, std::size_t size) {
    std::string all;
    move_until(c, [&] {
      while (c.server->readable() && all.size() < size) {
        const Result<Slice> got = c.server->take();
        if (!got || got->empty()) {
          return true;
        }
        all.append(got->view());
      }
      return all.size() >= size;
    });
    return all;
  }

  Error failure_of(Connection& c) {
    EXPECT_TRUE(move_until(c, [&] { return c.server->broken().has_value(); }));
    settle(c);
    return c.server->broken().value_or(Error{});
  }

  std::shared_ptr<TicketKeys> tickets_ = std::make_shared<TicketKeys>();
  HandshakeAdmission admission_;
  std::shared_ptr<const TlsContext> context_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace sk::test
