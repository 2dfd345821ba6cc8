// What an operator is told about certificate files that will not do.
#include "net/tls/context.h"

#include "tests/net/tls/tls_client.h"

#include <gtest/gtest.h>

namespace sk {
namespace {

class TlsContextTest : public ::testing::Test {
 protected:
  // The line for the operator; empty if the files are fine.
  std::string complaint(const std::string& certificate, const std::string& key) {
    TlsConfig config;
    config.certificate = {certificate, key};
    std::string why;
    const auto context = TlsContext::create(config, tickets_, why);
    EXPECT_EQ(context.has_value(), why.empty());
    if (!context) {
      EXPECT_EQ(context.error().origin, ErrorOrigin::config);
    }
    return why;
  }

  static bool mentions(const std::string& text, std::initializer_list<std::string> parts) {
    for (const std::string& part : parts) {
      if (text.find(part) == std::string::npos) {
        ADD_FAILURE() << '"' << part << "\" is not in: " << text;
        return false;
      }
    }
    return true;
  }

  std::shared_ptr<TicketKeys> tickets_ = std::make_shared<TicketKeys>();
  test::CertificateFolder folder_;
};

TEST_F(TlsContextTest, GoodPairsAreAccepted) {
  for (const char* algorithm : {"EC", "RSA"}) {
    const auto pair = folder_.make("good", algorithm);
    TlsConfig config;
    config.certificate = {pair.certificate, pair.key};
    std::string why;
    const auto context = TlsContext::create(config, tickets_, why);
    ASSERT_TRUE(context.has_value()) << why;
    EXPECT_TRUE((*context)->warnings().empty());
    EXPECT_NEAR(static_cast<double>((*context)->certificate_expires_unix()),
                static_cast<double>(::time(nullptr) + 90L * 24 * 3600), 10);
    std::filesystem::remove(pair.key);
  }
}

TEST_F(TlsContextTest, MissingFilesAreNamed) {
  const auto pair = folder_.make("good");
  EXPECT_TRUE(mentions(complaint("/no/such.pem", pair.key),
                       {"certificate \"/no/such.pem\"", "No such file", "check the path"}));
  EXPECT_TRUE(mentions(complaint(pair.certificate, "/no/such.key"),
                       {"key \"/no/such.key\"", "No such file", "check the path"}));
  EXPECT_TRUE(mentions(complaint(pair.certificate, folder_.path("")), {"regular file"}));
}

TEST_F(TlsContextTest, UnreadableKeyIsNamed) {
  if (::geteuid() == 0) {
    // Root reads everything: drop that for the calls below.
    ASSERT_EQ(::seteuid(65534), 0);
  }
  std::string why;
  {
    test::CertificateFolder own;
    const auto pair = own.make("good");
    std::filesystem::permissions(pair.key, std::filesystem::perms::none);
    why = complaint(pair.certificate, pair.key);
  }
  if (::getuid() == 0) {
    ASSERT_EQ(::seteuid(0), 0);
  }
  EXPECT_TRUE(mentions(why, {"key \"", "Permission denied", "make it readable"}));
}

TEST_F(TlsContextTest, MismatchedPairIsNamedWithBothFiles) {
  const auto one = folder_.make("one");
  const auto other = folder_.make("other");
  EXPECT_TRUE(mentions(complaint(one.certificate, other.key),
                       {one.certificate, other.key, "does not belong to"}));
}

TEST_F(TlsContextTest, ValidityIsChecked) {
  const auto expired = folder_.make("expired", "EC", -7200, -3600);
  EXPECT_TRUE(mentions(complaint(expired.certificate, expired.key),
                       {expired.certificate, "expired on 20", "renew"}));
  const auto future = folder_.make("future", "EC", 3600, 7200);
  EXPECT_TRUE(mentions(complaint(future.certificate, future.key),
                       {future.certificate, "not valid before 20", "clock"}));
}

TEST_F(TlsContextTest, SwappedAndForeignFilesAreRecognised) {
  const auto pair = folder_.make("good");
  EXPECT_TRUE(mentions(complaint(pair.key, pair.certificate), {"swapped"}));
  EXPECT_TRUE(mentions(complaint(pair.certificate, pair.certificate), {"no key", "swapped"}));
  const std::string text = folder_.write("text", "hello");
  EXPECT_TRUE(mentions(complaint(text, pair.key), {text, "no PEM certificate", "-inform der"}));
  EXPECT_TRUE(mentions(complaint(pair.certificate, text), {text, "no PEM private key"}));
  const std::string empty = folder_.write("empty", "");
  EXPECT_TRUE(mentions(complaint(empty, pair.key), {empty, "empty"}));
  const std::string damaged =
      folder_.write("damaged", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
  EXPECT_TRUE(mentions(complaint(damaged, pair.key), {damaged, "damaged"}));
}

TEST_F(TlsContextTest, PassphraseIsNotAskedForButExplained) {
  const auto pair = folder_.make("locked", "EC", -60, 3600, "secret");
  EXPECT_TRUE(
      mentions(complaint(pair.certificate, pair.key), {pair.key, "passphrase", "openssl pkey"}));
}

TEST_F(TlsContextTest, WarnsOfWhatWorksButShouldBeLookedAt) {
  const auto pair = folder_.make("soon", "EC", -60, 3600);
  std::filesystem::permissions(pair.key, std::filesystem::perms(0644));
  TlsConfig config;
  config.certificate = {pair.certificate, pair.key};
  std::string why;
  const auto context = TlsContext::create(config, tickets_, why);
  ASSERT_TRUE(context.has_value()) << why;
  ASSERT_EQ((*context)->warnings().size(), 2U);
  EXPECT_TRUE(mentions((*context)->warnings()[0], {pair.key, "chmod 600"}));
  EXPECT_TRUE(mentions((*context)->warnings()[1], {pair.certificate, "expires on"}));
}

TEST_F(TlsContextTest, ChainInTheWrongOrderIsWarnedOf) {
  const auto pair = folder_.make("leaf");
  const auto stranger = folder_.make("stranger", "EC", -60, 90L * 24 * 3600, nullptr, "stranger");
  std::string both;
  for (const std::string& path : {pair.certificate, stranger.certificate}) {
    std::FILE* file = std::fopen(path.c_str(), "r");
    std::array<char, 8192> bytes;
    both.append(bytes.data(), std::fread(bytes.data(), 1, bytes.size(), file));
    std::fclose(file);
  }
  TlsConfig config;
  config.certificate = {folder_.write("both.pem", both), pair.key};
  std::string why;
  const auto context = TlsContext::create(config, tickets_, why);
  ASSERT_TRUE(context.has_value()) << why;
  ASSERT_EQ((*context)->warnings().size(), 1U);
  EXPECT_TRUE(mentions((*context)->warnings()[0], {"certificate 2", "leaf first"}));
}

TEST(TicketKeysTest, RotatesAndKeepsOnePreviousKey) {
  const Instant start{std::chrono::hours(1000)};
  const auto interval = TicketKeys::kRotation;
  TicketKeys keys(start);
  const TicketKey first = keys.sealing(start);
  EXPECT_EQ(keys.sealing(start + interval - std::chrono::seconds(1)).name, first.name);
  EXPECT_FALSE(keys.opening(first.name, start)->renew);

  const TicketKey second = keys.sealing(start + interval);
  EXPECT_NE(second.name, first.name);
  ASSERT_TRUE(keys.opening(first.name, start + interval).has_value());
  EXPECT_TRUE(keys.opening(first.name, start + interval)->renew);
  EXPECT_EQ(keys.opening(first.name, start + interval)->key.cipher, first.cipher);

  keys.rotate_if_due(start + 2 * interval);
  EXPECT_FALSE(keys.opening(first.name, start + 2 * interval).has_value());
  EXPECT_TRUE(keys.opening(second.name, start + 2 * interval)->renew);
  // Silence for two intervals: the key has had its time, although nobody rotated.
  EXPECT_FALSE(keys.opening(keys.sealing(start + 2 * interval).name, start + 4 * interval));
}

}  // namespace
}  // namespace sk
