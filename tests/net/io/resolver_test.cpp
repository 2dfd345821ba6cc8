// The resolver against a DNS server of the test's own, which answers, refuses or keeps silent
// depending on the name.
#include "net/io/event.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"

#include "tests/support/loop_test.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace sk {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// A name's first label says what happens: "a3" has three addresses, "none" does not exist, "silent"
// gets no answer, "broken" a message that is no DNS.
class DnsServer {
 public:
  DnsServer() {
    fd_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    SK_ASSERT(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
    socklen_t size = sizeof(address);
    SK_ASSERT(::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  ~DnsServer() {
    stop_ = true;
    thread_.join();
    ::close(fd_);
  }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::size_t questions() const { return questions_; }

 private:
  static std::string answer_to(const std::string& question) {
    // Header (12 bytes), then the name as labels, then type and class.
    std::size_t end = 12;
    while (end < question.size() && question[end] != 0) {
      end += static_cast<std::size_t>(static_cast<unsigned char>(question[end])) + 1;
    }
    if (end + 5 > question.size()) {
      return {};
    }
    const std::string label =
        question.substr(13, static_cast<std::size_t>(static_cast<unsigned char>(question[12])));
    const bool wants_ip4 = question[end + 2] == 1;
    if (label == "silent") {
      return {};
    }
    if (label == "broken") {
      return question.substr(0, 2) + "nonsense";
    }
    const int addresses = wants_ip4 && label[0] == 'a' ? std::stoi(label.substr(1)) : 0;
    std::string answer = question.substr(0, end + 5);
    answer[2] = static_cast<char>(0x81);  // a response, recursion desired
    answer[3] = static_cast<char>(label == "none" ? 0x83 : 0x80);
    answer[6] = 0;
    answer[7] = static_cast<char>(addresses);
    answer[8] = answer[9] = answer[10] = answer[11] = 0;  // no EDNS in return
    for (int i = 0; i < addresses; ++i) {
      const char record[] = {static_cast<char>(0xc0), 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 9, 8,
                             static_cast<char>(i + 1)};
      answer.append(record, sizeof(record));
    }
    return answer;
  }

  void run() {
    while (!stop_) {
      pollfd wait{fd_, POLLIN, 0};
      if (::poll(&wait, 1, 5) != 1) {
        continue;
      }
      char bytes[1500];
      sockaddr_in from{};
      socklen_t size = sizeof(from);
      const ssize_t got =
          ::recvfrom(fd_, bytes, sizeof(bytes), 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 17) {
        continue;
      }
      ++questions_;
      const std::string answer = answer_to(std::string(bytes, static_cast<std::size_t>(got)));
      if (!answer.empty()) {
        ::sendto(fd_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
      }
    }
  }

  int fd_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> stop_{false};
  std::atomic<std::size_t> questions_{0};
  std::thread thread_;
};

using Addresses = Result<std::vector<Address>>;

class ResolverTest : public test::LoopTest {
 protected:
  ResolverTest() : scope_(*loop_) { reopen({}); }
  void TearDown() override { run(resolver_->close()); }

  void reopen(ResolverConfig config) {
    if (resolver_ != nullptr) {
      run(resolver_->close());
    }
    config.servers = server_.address();
    resolver_ = std::make_unique<Resolver>(*loop_, config);
  }

  static Task<void> ask(Resolver& resolver, CancelScope& scope, std::string host, Instant until,
                        Addresses& out) {
    out = co_await resolver.resolve(scope, std::move(host), 8080, until);
  }

  Addresses resolve(const std::string& host, Instant until = kNever) {
    Addresses found = fail(ErrorCode::internal);
    run(ask(*resolver_, scope_, host, until, found));
    return found;
  }

  DnsServer server_;
  CancelScope scope_;
  std::unique_ptr<Resolver> resolver_;
};

TEST_F(ResolverTest, LiteralsNeedNobody) {
  for (const auto& [host, text] :
       std::vector<std::pair<std::string, std::string>>{{"10.1.2.3", "10.1.2.3:8080"},
                                                        {"::1", "[::1]:8080"},
                                                        {"[2001:db8::7]", "[2001:db8::7]:8080"}}) {
    const Addresses found = resolve(host);
    ASSERT_TRUE(found) << host;
    ASSERT_EQ(found->size(), 1U);
    EXPECT_EQ(found->front().to_string(), text);
  }
  EXPECT_EQ(server_.questions(), 0U);
}

TEST_F(ResolverTest, TheHostsFileIsRead) {
  const Addresses found = resolve("localhost");
  ASSERT_TRUE(found) << describe(found.error());
  for (const Address& address : *found) {
    const std::string text = address.to_string();
    EXPECT_TRUE(text == "127.0.0.1:8080" || text == "[::1]:8080") << text;
  }
}

TEST_F(ResolverTest, NamesAreAskedOfTheServerEveryTime) {
  const Addresses found = resolve("a3.test");
  ASSERT_TRUE(found) << describe(found.error());
  EXPECT_EQ(found->size(), 3U);
  for (const Address& address : *found) {
    EXPECT_TRUE(address.to_string().starts_with("10.9.8.")) << address.to_string();
    EXPECT_EQ(address.port(), 8080);
  }
  const std::size_t questions = server_.questions();
  EXPECT_TRUE(resolve("a3.test"));
  EXPECT_GT(server_.questions(), questions);
}

TEST_F(ResolverTest, AddressesAreBounded) {
  reopen({.addresses_max = 2});
  const Addresses found = resolve("a5.test");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->size(), 2U);
}

TEST_F(ResolverTest, TroubleHasAName) {
  EXPECT_EQ(resolve("none.test").error().code, ErrorCode::unreachable);
  EXPECT_EQ(resolve("a0.test").error().code, ErrorCode::unreachable);
  EXPECT_EQ(resolve("").error().code, ErrorCode::malformed);
  EXPECT_EQ(resolve(std::string("127.0.0.1\0x", 11)).error().code, ErrorCode::malformed);
  EXPECT_FALSE(resolve(std::string(300, 'x') + ".test").has_value());
}

TEST_F(ResolverTest, ASilentServerEndsWithTheTimeoutAndTheAnswerThatNeverCameHarmsNobody) {
  reopen({.timeout = milliseconds(60)});
  EXPECT_EQ(resolve("silent.test").error().code, ErrorCode::timeout);
  EXPECT_EQ(resolve("silent.test", loop_->now() + milliseconds(20)).error().code,
            ErrorCode::timeout);
  EXPECT_TRUE(resolve("a1.test"));
}

TEST_F(ResolverTest, AnswersThatAreNoDnsAreSurvived) {
  reopen({.timeout = milliseconds(200)});
  EXPECT_FALSE(resolve("broken.test"));
  EXPECT_TRUE(resolve("a1.test"));
}

TEST_F(ResolverTest, ACancelledWaiterLeavesAtOnce) {
  const auto body = [](this auto, Resolver& resolver, CancelScope& scope) -> Task<void> {
    CancelScope own(scope);
    TaskGroup group(scope.loop());
    Addresses found = fail(ErrorCode::internal);
    group.spawn(ask(resolver, own, "silent.test", kNever, found));
    own.cancel();
    co_await group.join();
    EXPECT_EQ(found.error().code, ErrorCode::cancelled);
  };
  run(body(*resolver_, scope_));
}

TEST_F(ResolverTest, LookupsAtTheSameTimeAreBounded) {
  reopen({.lookups_max = 2, .timeout = milliseconds(100)});
  std::vector<Addresses> found(3, Addresses(fail(ErrorCode::internal)));
  const auto body = [](this auto, Resolver& resolver, CancelScope& scope,
                       std::vector<Addresses>& out) -> Task<void> {
    TaskGroup group(scope.loop());
    for (Addresses& each : out) {
      group.spawn(ask(resolver, scope, "silent.test", kNever, each));
    }
    co_await group.join();
  };
  run(body(*resolver_, scope_, found));
  EXPECT_EQ(found[0].error().code, ErrorCode::timeout);
  EXPECT_EQ(found[1].error().code, ErrorCode::timeout);
  EXPECT_EQ(found[2].error().code, ErrorCode::overloaded);
}

TEST_F(ResolverTest, ManyLookupsAtOnceGetTheirOwnAnswers) {
  std::vector<Addresses> found(40, Addresses(fail(ErrorCode::internal)));
  const auto body = [](this auto, Resolver& resolver, CancelScope& scope,
                       std::vector<Addresses>& out) -> Task<void> {
    TaskGroup group(scope.loop());
    for (std::size_t i = 0; i < out.size(); ++i) {
      group.spawn(ask(resolver, scope, "a" + std::to_string(i % 9 + 1) + ".test", kNever, out[i]));
    }
    co_await group.join();
  };
  run(body(*resolver_, scope_, found));
  for (std::size_t i = 0; i < found.size(); ++i) {
    ASSERT_TRUE(found[i]) << describe(found[i].error());
    EXPECT_EQ(found[i]->size(), i % 9 + 1);
  }
}

TEST_F(ResolverTest, CloseEndsLookupsInFlight) {
  Addresses found = fail(ErrorCode::internal);
  const auto body = [](this auto, Resolver& resolver, CancelScope& scope,
                       Addresses& out) -> Task<void> {
    TaskGroup group(scope.loop());
    group.spawn(ask(resolver, scope, "silent.test", kNever, out));
    co_await resolver.close();
    co_await group.join();
  };
  run(body(*resolver_, scope_, found));
  EXPECT_EQ(found.error().code, ErrorCode::cancelled);
}

}  // namespace
}  // namespace sk
