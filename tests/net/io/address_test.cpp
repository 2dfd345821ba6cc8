#include "net/io/address.h"
#include "net/io/connector.h"
#include "net/io/listener.h"
#include "net/io/loop.h"

#include "tests/support/loop_test.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace sk {
namespace {

TEST(AddressTest, EveryFormIsReadAndWrittenTheSame) {
  for (const char* text : {"127.0.0.1:80", "0.0.0.0:7500", "[::]:443", "[2001:db8::1]:65535",
                           "unix:/run/app.sock", "unix:@name", "255.255.255.255:0"}) {
    const Result<Address> address = Address::parse(text);
    ASSERT_TRUE(address.has_value()) << text << ": " << address.error().detail;
    EXPECT_EQ(address->to_string(), text);
    const Address copy = Address::from(address->get(), address->size());
    EXPECT_EQ(copy, *address);
  }
  EXPECT_EQ(Address().to_string(), "-");
  EXPECT_EQ(Address::parse("[::1]:443")->port(), 443);
  EXPECT_EQ(Address::parse("unix:/a")->unix_path(), "/a");
  EXPECT_EQ(Address::parse("unix:@a")->unix_path(), "");
}

TEST(AddressTest, MistakesSayWhatIsExpected) {
  struct Case {
    const char* text;
    const char* hint;
  };
  const std::string long_path = "unix:/" + std::string(107, 'x');
  for (const Case& c : {Case{"", "IP:port"},
                        Case{"8080", "IP:port"},
                        Case{":80", "which address"},
                        Case{"*:80", "which address"},
                        Case{"::1:80", "brackets"},
                        Case{"localhost:80", "host name"},
                        Case{"1.2.3:80", "host name"},
                        Case{"1.2.3.4:", "number"},
                        Case{"1.2.3.4:65536", "number"},
                        Case{"1.2.3.4:-1", "number"},
                        Case{"1.2.3.4:8o", "number"},
                        Case{"[::1]", "[IPv6]:port"},
                        Case{"[::1", "[IPv6]:port"},
                        Case{"[::1]443", "[IPv6]:port"},
                        Case{"[1.2.3.4]:80", "IPv6"},
                        Case{"[::1%nosuch0]:80", "interface"},
                        Case{"unix:", "unix:/"},
                        Case{"unix:relative", "unix:/"},
                        Case{"unix:/", "unix:/"},
                        Case{long_path.c_str(), "107"}}) {
    const Result<Address> address = Address::parse(c.text);
    ASSERT_FALSE(address.has_value()) << c.text;
    EXPECT_EQ(address.error().origin, ErrorOrigin::config);
    EXPECT_NE(std::string_view(address.error().detail).find(c.hint), std::string_view::npos)
        << c.text << ": " << address.error().detail;
  }
}

TEST(AddressTest, LongestUnixPathIsStillAccepted) {
  const std::string text = "unix:/" + std::string(106, 'x');
  const Result<Address> address = Address::parse(text);
  ASSERT_TRUE(address.has_value());
  EXPECT_EQ(address->to_string(), text);
}

TEST(AddressTest, PeerNameWritesMappedAddressesAsIp4) {
  const PeerName mapped(*Address::parse("[::ffff:203.0.113.7]:4711"));
  EXPECT_EQ(mapped.ip(), "203.0.113.7");
  EXPECT_EQ(mapped.port, 4711);
  EXPECT_EQ(PeerName(*Address::parse("[2001:db8::1]:1")).ip(), "2001:db8::1");
  EXPECT_EQ(PeerName(*Address::parse("unix:/x")).ip(), "unix");
  EXPECT_EQ(PeerName().ip(), "");
  EXPECT_EQ(PeerName(*Address::parse("[::1%lo]:80")).ip(), "::1%lo");
}

class ListenerTest : public test::LoopTest {
 protected:
  ListenerTest() {
    std::string pattern = "/tmp/sk-listener-XXXXXX";
    directory_ = ::mkdtemp(pattern.data());
  }
  ~ListenerTest() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] Address unix_address() const {
    return *Address::parse("unix:" + directory_ + "/s");
  }

  std::string directory_;
};

Task<void> connect_into(CancelScope& scope, Address address, Instant until, Result<int>& out) {
  out = co_await connect_to(scope, address, until);
}

TEST_F(ListenerTest, ConnectsOverTcpAndTunesBothEnds) {
  const Result<Listener> listener = Listener::open(*Address::parse("127.0.0.1:0"));
  ASSERT_TRUE(listener.has_value());
  EXPECT_NE(listener->local().port(), 0);
  CancelScope scope(*loop_);
  Result<int> client = fail(ErrorCode::internal);
  run(connect_into(scope, listener->local(), loop_->now() + std::chrono::seconds(5), client));
  ASSERT_TRUE(client.has_value()) << describe(client.error());
  const int served = ::accept4(listener->fd(), nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE(served, 0);
  for (const int fd : {*client, served}) {
    int value = 0;
    socklen_t size = sizeof(value);
    ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &value, &size), 0);
    EXPECT_EQ(value, 1);
    ASSERT_EQ(::getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &value, &size), 0);
    EXPECT_EQ(value, 1);
    ASSERT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &value, &size), 0);
    EXPECT_EQ(value, 60);
  }
  EXPECT_EQ(Address::peer_of(served), Address::local_of(*client));
  ::close(served);
  loop_->close(*client);
}

TEST_F(ListenerTest, ConnectSaysRefusedUnreachableAndTimeout) {
  CancelScope scope(*loop_);
  Address closed_port;
  {
    const Result<Listener> listener = Listener::open(*Address::parse("127.0.0.1:0"));
    ASSERT_TRUE(listener.has_value());
    closed_port = listener->local();
  }
  Result<int> client = fail(ErrorCode::internal);
  run(connect_into(scope, closed_port, loop_->now() + std::chrono::seconds(5), client));
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::refused);
  EXPECT_EQ(client.error().origin, ErrorOrigin::upstream);

  run(connect_into(scope, unix_address(), loop_->now() + std::chrono::seconds(5), client));
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::unreachable);

  // A full backlog lets the next connection attempt hang.
  ListenOptions narrow;
  narrow.backlog = 0;
  const Result<Listener> full = Listener::open(*Address::parse("127.0.0.1:0"), narrow);
  ASSERT_TRUE(full.has_value());
  std::vector<int> queued;
  for (int i = 0; i < 16; ++i) {
    run(connect_into(scope, full->local(), loop_->read_clock() + std::chrono::milliseconds(20),
                     client));
    if (!client) {
      break;
    }
    queued.push_back(*client);
  }
  ASSERT_FALSE(client.has_value());
  EXPECT_EQ(client.error().code, ErrorCode::timeout);
  for (const int fd : queued) {
    loop_->close(fd);
  }
}

TEST_F(ListenerTest, TakenPortIsExplained) {
  const Result<Listener> first = Listener::open(*Address::parse("127.0.0.1:0"));
  ASSERT_TRUE(first.has_value());
  const Result<Listener> second = Listener::open(first->local());
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code, ErrorCode::address_in_use);
  EXPECT_EQ(second.error().origin, ErrorOrigin::config);
  const std::string line = explain_listen_failure(first->local(), second.error());
  EXPECT_NE(line.find(first->local().to_string()), std::string::npos) << line;
  EXPECT_NE(line.find("EADDRINUSE"), std::string::npos) << line;
}

TEST_F(ListenerTest, ForeignAddressIsExplained) {
  const Result<Listener> listener = Listener::open(*Address::parse("192.0.2.1:0"));
  ASSERT_FALSE(listener.has_value());
  EXPECT_NE(explain_listen_failure(*Address::parse("192.0.2.1:0"), listener.error())
                .find("does not have that address"),
            std::string::npos);
}

TEST_F(ListenerTest, StaleUnixSocketIsReplacedALivingOneIsNot) {
  const Address address = unix_address();
  const int stale = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(stale, address.get(), address.size()), 0);
  ASSERT_EQ(::listen(stale, 1), 0);
  {
    const Result<Listener> refused = Listener::open(address);
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, ErrorCode::address_in_use);
  }
  ::close(stale);  // the file stays, as after a crash
  ListenOptions options;
  options.unix_mode = 0600;
  Result<Listener> listener = Listener::open(address, options);
  ASSERT_TRUE(listener.has_value()) << describe(listener.error());
  struct stat status{};
  ASSERT_EQ(::stat(std::string(address.unix_path()).c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  listener->close();
  EXPECT_NE(::stat(std::string(address.unix_path()).c_str(), &status), 0);
}

TEST_F(ListenerTest, OrdinaryFileIsNeverRemoved) {
  const Address address = unix_address();
  std::FILE* file = std::fopen(std::string(address.unix_path()).c_str(), "w");
  ASSERT_NE(file, nullptr);
  std::fclose(file);
  const Result<Listener> listener = Listener::open(address);
  ASSERT_FALSE(listener.has_value());
  EXPECT_TRUE(std::filesystem::exists(address.unix_path()));
  EXPECT_NE(explain_listen_failure(address, listener.error()).find("no socket is in the way"),
            std::string::npos);
}

TEST_F(ListenerTest, MissingDirectoryIsExplained) {
  const Address address = *Address::parse("unix:" + directory_ + "/none/s");
  const Result<Listener> listener = Listener::open(address);
  ASSERT_FALSE(listener.has_value());
  EXPECT_NE(explain_listen_failure(address, listener.error()).find("directory does not exist"),
            std::string::npos);
}

TEST_F(ListenerTest, AbstractNamesWork) {
  const Address address = *Address::parse("unix:@sk-test-" + std::to_string(::getpid()));
  const Result<Listener> listener = Listener::open(address);
  ASSERT_TRUE(listener.has_value());
  EXPECT_EQ(listener->local().to_string(), address.to_string());
  CancelScope scope(*loop_);
  Result<int> client = fail(ErrorCode::internal);
  run(connect_into(scope, address, kNever, client));
  ASSERT_TRUE(client.has_value());
  loop_->close(*client);
}

}  // namespace
}  // namespace sk
