// The other end for TLS tests: OpenSSL's client with memory BIOs, moved by hand from one thread,
// and certificates made on the spot.
#pragma once

#include "net/core/assert.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sk::test {

// PEM files in a directory of their own.
class CertificateFolder {
 public:
  struct Pair {
    std::string certificate;
    std::string key;
  };

  CertificateFolder() {
    std::string name = "/tmp/sk-tls-XXXXXX";
    path_ = ::mkdtemp(name.data());
  }
  ~CertificateFolder() { std::filesystem::remove_all(path_); }
  CertificateFolder(const CertificateFolder&) = delete;
  CertificateFolder& operator=(const CertificateFolder&) = delete;

  // Self-signed, the algorithm EC or RSA; valid between the two, in seconds from now.
  Pair make(const std::string& name, const char* algorithm = "EC", long from = -60,
            long to = 90L * 24 * 3600, const char* passphrase = nullptr,
            const char* common_name = "localhost") {
    EVP_PKEY* key = algorithm == std::string("EC")
                        ? EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256")
                        : EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<size_t>(2048));
    SK_ASSERT(key != nullptr);
    X509* certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), from);
    X509_gmtime_adj(X509_getm_notAfter(certificate), to);
    X509_set_pubkey(certificate, key);
    X509_NAME* subject = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(common_name), -1, -1, 0);
    X509_set_issuer_name(certificate, subject);
    SK_ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);

    Pair pair{path(name + ".pem"), path(name + ".key")};
    std::FILE* file = std::fopen(pair.certificate.c_str(), "w");
    SK_ASSERT(PEM_write_X509(file, certificate) == 1);
    std::fclose(file);
    file = std::fopen(pair.key.c_str(), "w");
    SK_ASSERT(PEM_write_PrivateKey(file, key, passphrase != nullptr ? EVP_aes_256_cbc() : nullptr,
                                   nullptr, 0, nullptr, const_cast<char*>(passphrase)) == 1);
    std::fclose(file);
    std::filesystem::permissions(pair.key, std::filesystem::perms::owner_read);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return pair;
  }

  std::string write(const std::string& name, const std::string& bytes) {
    std::FILE* file = std::fopen(path(name).c_str(), "w");
    SK_ASSERT(std::fwrite(bytes.data(), 1, bytes.size(), file) == bytes.size());
    std::fclose(file);
    return path(name);
  }

  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct TlsClientOptions {
  int min_version = 0;
  int max_version = 0;
  std::string groups;   // empty: the library's, with X25519MLKEM768 first
  std::string ciphers;  // for TLS 1.2
  std::vector<std::string> alpn{"http/1.1"};
  SSL_SESSION* session = nullptr;  // to resume; stays the caller's
};

// Owns the socket. Nothing blocks: the test calls step() between turns of the loop.
class TlsClient {
 public:
  TlsClient(int fd, const TlsClientOptions& options) : fd_(fd) {
    ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    context_ = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, options.min_version);
    SSL_CTX_set_max_proto_version(context_, options.max_version);
    SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_CLIENT);
    if (!options.groups.empty()) {
      SK_ASSERT(SSL_CTX_set1_groups_list(context_, options.groups.c_str()) == 1);
    }
    if (!options.ciphers.empty()) {
      SK_ASSERT(SSL_CTX_set_cipher_list(context_, options.ciphers.c_str()) == 1);
    }
    ssl_ = SSL_new(context_);
    std::string wire;
    for (const std::string& name : options.alpn) {
      wire.push_back(static_cast<char>(name.size()));
      wire.append(name);
    }
    SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(wire.data()),
                        static_cast<unsigned>(wire.size()));
    if (options.session != nullptr) {
      SSL_set_session(ssl_, options.session);
    }
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_, in_, out_);
    SSL_set_connect_state(ssl_);
  }
  ~TlsClient() {
    forget_session_state();
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  // Handshakes if that is still to be done, sends what there is to send (at most send_limit bytes)
  // and reads what has come, until it would block.
  void step(std::size_t send_limit = SIZE_MAX) {
    receive_ciphertext();
    if (!connected_ && !failed_) {
      ERR_clear_error();
      const int result = SSL_do_handshake(ssl_);
      connected_ = result == 1;
      note_failure(result);
    }
    if (connected_ && reading_) {
      read_plaintext();
    }
    send_ciphertext(send_limit);
  }

  // Plaintext, as far as records are made of it now; step() sends them.
  void write(std::string_view bytes) {
    std::size_t written = 0;
    ERR_clear_error();
    SK_ASSERT(SSL_write_ex(ssl_, bytes.data(), bytes.size(), &written) == 1);
    SK_ASSERT(written == bytes.size());
  }
  void shutdown() { SSL_shutdown(ssl_); }

  // The next ciphertext this client wants to send, taken out of its hands.
  std::string take_output() {
    std::string bytes(BIO_ctrl_pending(out_), '\0');
    const int got = BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0U);
    return bytes;
  }
  // Raw bytes onto the socket; false if the kernel has no room for all of them.
  bool send_raw(std::string_view bytes) const {
    return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
           static_cast<ssize_t>(bytes.size());
  }
  [[nodiscard]] std::size_t output_pending() const { return BIO_ctrl_pending(out_) + rest_.size(); }

  void stop_reading() { reading_ = false; }
  // At most so many bytes of ciphertext are taken from the socket per step.
  void receive_limit(std::size_t bytes) { receive_limit_ = bytes; }
  void half_close() const { ::shutdown(fd_, SHUT_WR); }
  void hang_up() { ::close(std::exchange(fd_, -1)); }

  // Gives up all memory of OpenSSL's and keeps the socket open.
  void forget_session_state() {
    SSL_free(std::exchange(ssl_, nullptr));
    SSL_CTX_free(std::exchange(context_, nullptr));
  }

  [[nodiscard]] bool connected() const { return connected_; }
  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] const std::string& failure() const { return failure_; }
  [[nodiscard]] bool closed_cleanly() const { return closed_cleanly_; }  // close_notify came
  [[nodiscard]] bool stream_ended() const { return stream_ended_; }      // the socket's end came
  [[nodiscard]] bool resumed() const { return SSL_session_reused(ssl_) == 1; }
  [[nodiscard]] std::string& received() { return received_; }
  [[nodiscard]] SSL* ssl() const { return ssl_; }
  [[nodiscard]] int fd() const { return fd_; }

 private:
  void receive_ciphertext() {
    std::array<char, 65536> bytes;
    std::size_t left = receive_limit_;
    while (reading_ && left > 0 && !stream_ended_) {
      const ssize_t got = ::recv(fd_, bytes.data(), std::min(bytes.size(), left), MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno == ECONNRESET)) {
        stream_ended_ = true;
      }
      if (got <= 0) {
        return;
      }
      left -= static_cast<std::size_t>(got);
      BIO_write(in_, bytes.data(), static_cast<int>(got));
    }
  }

  void send_ciphertext(std::size_t limit) {
    rest_ += take_output();
    const std::size_t part = std::min(limit, rest_.size());
    const ssize_t sent = ::send(fd_, rest_.data(), part, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      rest_.erase(0, static_cast<std::size_t>(sent));
    }
  }

  void read_plaintext() {
    std::array<char, 16384> bytes;
    while (!failed_ && !closed_cleanly_) {
      ERR_clear_error();
      const int got = SSL_read(ssl_, bytes.data(), static_cast<int>(bytes.size()));
      if (got > 0) {
        received_.append(bytes.data(), static_cast<std::size_t>(got));
        continue;
      }
      if (SSL_get_error(ssl_, got) == SSL_ERROR_ZERO_RETURN) {
        closed_cleanly_ = true;
      }
      note_failure(got);
      return;
    }
  }

  void note_failure(int result) {
    const int error = SSL_get_error(ssl_, result);
    if (result > 0 || error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ||
        error == SSL_ERROR_ZERO_RETURN) {
      return;
    }
    failed_ = true;
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    failure_ = reason != nullptr ? reason : "unknown";
    ERR_clear_error();
  }

  int fd_;
  SSL_CTX* context_ = nullptr;
  SSL* ssl_ = nullptr;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  std::string rest_;
  std::string received_;
  std::string failure_;
  std::size_t receive_limit_ = SIZE_MAX;
  bool reading_ = true;
  bool connected_ = false;
  bool failed_ = false;
  bool closed_cleanly_ = false;
  bool stream_ended_ = false;
};

}  // namespace sk::test
