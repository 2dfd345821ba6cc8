// Who sees Server-Timing: nobody by default.
#include "lb/timing_gate.h"

#include "tests/support/client_request.h"
#include "tests/support/loop_test.h"

#include <gtest/gtest.h>

namespace sk::lb {
namespace {

constexpr std::string_view kSecret = "0123456789abcdef";

class TimingGateTest : public test::LoopTest {
 protected:
  bool admitted(std::string_view peer, std::string_view secret_sent = {},
                std::string_view mark = {}) {
    test::ClientRequest request(*loop_, "/");
    request.peer.address = peer;
    if (!secret_sent.empty()) {
      request.request.fields.add("sidekick-timing", secret_sent);
    }
    if (!mark.empty()) {
      request.request.fields.add(mark, "203.0.113.7");
    }
    const bool admit = admit_timing(request, listener_, server_);
    EXPECT_FALSE(request.request.fields.has(HeaderId::sidekick_timing)) << "it must not go on";
    return admit;
  }

  ListenerConfig listener_;
  ServerConfig server_;
};

TEST_F(TimingGateTest, NobodyIsAdmittedByDefault) {
  EXPECT_FALSE(admitted("127.0.0.1"));
  EXPECT_FALSE(admitted("unix"));
  EXPECT_FALSE(admitted("127.0.0.1", kSecret)) << "none is configured";
  EXPECT_FALSE(admitted("203.0.113.9", "x"));
}

TEST_F(TimingGateTest, TheSecretAdmitsFromAnywhere) {
  server_.timing_secret = kSecret;
  EXPECT_TRUE(admitted("203.0.113.9", kSecret));
  EXPECT_FALSE(admitted("203.0.113.9", "0123456789abcdeF"));
  EXPECT_FALSE(admitted("203.0.113.9", "0123456789abcde"));
  EXPECT_FALSE(admitted("203.0.113.9", "0123456789abcdef0"));
  EXPECT_FALSE(admitted("127.0.0.1"));
}

TEST_F(TimingGateTest, LoopbackAdmitsClientsOfThisMachineUnlessAProxyMarkedThem) {
  listener_.server_timing = ServerTiming::loopback;
  for (const char* local : {"127.0.0.1", "127.8.9.10", "::1", "unix", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(admitted(local)) << local;
  }
  for (const char* other : {"203.0.113.9", "128.0.0.1", "::2", "2001:db8::1"}) {
    EXPECT_FALSE(admitted(other)) << other;
  }
  for (const char* mark : {"X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"}) {
    EXPECT_FALSE(admitted("127.0.0.1", {}, mark)) << mark;
  }
}

TEST_F(TimingGateTest, OffMeansOff) {
  listener_.server_timing = ServerTiming::off;
  server_.timing_secret = kSecret;
  EXPECT_FALSE(admitted("127.0.0.1", kSecret));
}

}  // namespace
}  // namespace sk::lb
