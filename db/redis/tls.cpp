#include "db/redis/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace sk::redis {
namespace {

std::string last_openssl_error() {
  std::array<char, 256> text{};
  ERR_error_string_n(ERR_get_error(), text.data(), text.size());
  ERR_clear_error();
  return text.data();
}

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> binary;
  return ::inet_pton(AF_INET, host.c_str(), binary.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), binary.data()) == 1;
}

}  // namespace

Result<TlsContext> make_tls_context(const std::string& ca_file) {
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) {
    return std::unexpected(make_error(ErrorKind::unavailable, last_openssl_error()));
  }
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  if (!ca_file.empty() && ::access(ca_file.c_str(), R_OK) != 0) {
    return std::unexpected(make_error(
        ErrorKind::unavailable,
        "the CA file " + ca_file + " cannot be read (" + strerrordesc_np(errno) +
            "): put the authorities of Redis there, or correct SIDEKICK_REDIS_CA (redis.tls_ca)"));
  }
  const int trusted = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                      : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
  if (trusted != 1) {
    return std::unexpected(make_error(
        ErrorKind::unavailable,
        "the CA file " + ca_file + " holds no certificates in PEM form: " + last_openssl_error()));
  }
  return context;
}

TlsSession make_tls_session(SSL_CTX& context, const std::string& host) {
  TlsSession session(SSL_new(&context));
  if (session == nullptr) {
    return session;
  }
  SSL_set_verify(session.get(), SSL_VERIFY_PEER, nullptr);
  bool checked = false;
  if (is_address(host)) {
    checked = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host.c_str()) == 1;
  } else {
    SSL_set_hostflags(session.get(), X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    checked = SSL_set1_host(session.get(), host.c_str()) == 1 &&
              SSL_set_tlsext_host_name(session.get(), host.c_str()) == 1;
  }
  if (!checked) {
    session.reset();
  }
  return session;
}

std::string tls_trouble(const SSL& session) {
  const long verified = SSL_get_verify_result(&session);
  if (verified != X509_V_OK) {
    return std::string("the certificate is refused: ") + X509_verify_cert_error_string(verified);
  }
  return SSL_is_init_finished(&session) == 1 ? "" : "the TLS handshake failed";
}

}  // namespace sk::redis
