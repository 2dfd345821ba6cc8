#include "net/tls/client_context.h"

#include "net/core/assert.h"
#include "net/tls/failure.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace sk {
namespace {

constexpr const char* kGroups = "X25519MLKEM768:X25519:P-256";

bool is_ip_address(const std::string& name) {
  in6_addr ignored{};
  return ::inet_pton(AF_INET, name.c_str(), &ignored) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), &ignored) == 1;
}

}  // namespace

TlsClientContext::~TlsClientContext() { SSL_CTX_free(native_); }

Result<std::shared_ptr<const TlsClientContext>> TlsClientContext::create(
    const TlsClientConfig& config, std::string& why) {
  std::shared_ptr<TlsClientContext> context(new TlsClientContext);
  clear_tls_errors();
  SSL_CTX* native = SSL_CTX_new(TLS_client_method());
  context->native_ = native;
  context->verify_ = config.verify;
  std::string offered;
  for (const std::string& protocol : config.alpn) {
    SK_ASSERT(!protocol.empty() && protocol.size() <= 255);
    offered.push_back(static_cast<char>(protocol.size()));
    offered.append(protocol);
  }
  if (native == nullptr || SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) != 1 ||
      SSL_CTX_set1_groups_list(native, kGroups) != 1 ||
      SSL_CTX_set_alpn_protos(native, reinterpret_cast<const unsigned char*>(offered.data()),
                              static_cast<unsigned>(offered.size())) != 0) {
    why = std::string("OpenSSL refuses the TLS settings (") + take_tls_error().detail +
          "): check the system's openssl.cnf";
    return fail(ErrorCode::unsupported, "tls client context", ErrorOrigin::config);
  }
  SSL_CTX_set_options(native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_clear_options(native, SSL_OP_ENABLE_KTLS);  // the system's configuration may set it
  SSL_CTX_set_mode(native, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                               SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  if (config.verify) {
    const int loaded =
        config.authorities.empty()
            ? SSL_CTX_set_default_verify_paths(native)
            : SSL_CTX_load_verify_locations(native, config.authorities.c_str(), nullptr);
    if (loaded != 1) {
      const Error error = take_tls_error();
      why = config.authorities.empty()
                ? std::string("the system's certificate authorities cannot be read (") +
                      error.detail + "): install ca-certificates"
                : "authorities \"" + config.authorities + "\" cannot be read (" + error.detail +
                      "): give a file of PEM certificates";
      return fail(ErrorCode::not_found, "tls authorities", ErrorOrigin::config);
    }
    SSL_CTX_set_verify(native, SSL_VERIFY_PEER, nullptr);
  }
  return std::shared_ptr<const TlsClientContext>(std::move(context));
}

bool TlsClientContext::name_peer(ssl_st* session, const std::string& name) const {
  if (is_ip_address(name)) {
    return !verify_ || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), name.c_str()) == 1;
  }
  return SSL_set_tlsext_host_name(session, name.c_str()) == 1 &&
         (!verify_ || SSL_set1_host(session, name.c_str()) == 1);
}

}  // namespace sk
