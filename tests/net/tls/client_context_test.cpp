// The client's side of TlsTransport against the server's side, both ours, over a socket pair. That
// each speaks TLS as others do is for session_handshake_test.cpp and the system tests to say.
#include "net/tls/client_context.h"
#include "net/tls/session.h"

#include "tests/net/tls/tls_client.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

namespace sk {
namespace {

using std::chrono::seconds;

class TlsClientTest : public test::LoopTest {
 protected:
  TlsClientTest() : admission_(*loop_), pair_(folder_.make("server")) {}
  ~TlsClientTest() override {
    for (TlsTransport* side : {client_.get(), server_.get()}) {
      if (side != nullptr) {
        run(side->close());
      }
    }
  }

  std::shared_ptr<const TlsClientContext> context(bool verify, const std::string& authorities) {
    TlsClientConfig config;
    config.verify = verify;
    config.authorities = authorities;
    std::string why;
    auto made = TlsClientContext::create(config, why);
    EXPECT_TRUE(made.has_value()) << why;
    return *made;
  }

  // Turns the loop until the client is through its handshake or broken.
  void connect(std::shared_ptr<const TlsClientContext> context, const std::string& name) {
    TlsConfig config;
    config.certificate = {pair_.certificate, pair_.key};
    std::string why;
    auto served = TlsContext::create(config, std::make_shared<TicketKeys>(), why);
    ASSERT_TRUE(served.has_value()) << why;
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds), 0);
    server_ = std::make_unique<TlsTransport>(
        *served, admission_, std::make_unique<SocketTransport>(*loop_, fds[0], seconds(5)));
    client_ = std::make_unique<TlsTransport>(
        std::move(context), admission_,
        std::make_unique<SocketTransport>(*loop_, fds[1], seconds(5)), name);
    server_->start();
    client_->start();
    const Instant end = loop_->read_clock() + seconds(10);
    while (!client_->established() && !client_->broken() && loop_->read_clock() < end) {
      loop_->run_once(loop_->read_clock() + std::chrono::milliseconds(1));
    }
  }

  HandshakeAdmission admission_;
  test::CertificateFolder folder_;
  test::CertificateFolder::Pair pair_;
  std::unique_ptr<TlsTransport> server_;
  std::unique_ptr<TlsTransport> client_;
};

TEST_F(TlsClientTest, ACertificateOfATrustedAuthorityForTheNameIsAccepted) {
  connect(context(true, pair_.certificate), "localhost");
  ASSERT_TRUE(client_->established());
  EXPECT_EQ(client_->details().version, "TLSv1.3");
  EXPECT_EQ(client_->details().alpn, "http/1.1");
  client_->output().append_copy("over TLS");
  client_->flush();
  const Instant end = loop_->read_clock() + seconds(10);
  while (!server_->readable() && loop_->read_clock() < end) {
    loop_->run_once(loop_->read_clock() + std::chrono::milliseconds(1));
  }
  ASSERT_TRUE(server_->readable());
  EXPECT_EQ(server_->details().server_name, "localhost");
  const Result<Slice> got = server_->take();
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->view(), "over TLS");
}

TEST_F(TlsClientTest, ACertificateForAnotherNameIsRefused) {
  connect(context(true, pair_.certificate), "elsewhere.example");
  ASSERT_TRUE(client_->broken().has_value());
  EXPECT_EQ(client_->broken()->origin, ErrorOrigin::upstream);
  EXPECT_NE(std::string(client_->broken()->detail).find("certificate"), std::string::npos);
}

TEST_F(TlsClientTest, AnUnknownAuthorityIsRefusedUnlessNothingIsVerified) {
  const auto stranger = folder_.make("stranger");
  connect(context(true, stranger.certificate), "localhost");
  EXPECT_TRUE(client_->broken().has_value());
  run(client_->close());
  run(server_->close());
  connect(context(false, ""), "localhost");
  EXPECT_TRUE(client_->established());
}

TEST_F(TlsClientTest, AuthoritiesThatCannotBeReadAreNamed) {
  TlsClientConfig config;
  config.authorities = "/no/such/authorities.pem";
  std::string why;
  EXPECT_FALSE(TlsClientContext::create(config, why).has_value());
  EXPECT_NE(why.find("\"/no/such/authorities.pem\""), std::string::npos) << why;
}

}  // namespace
}  // namespace sk
