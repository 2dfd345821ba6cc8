#include "net/tls/context.h"

#include "net/core/assert.h"
#include "net/tls/failure.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>

#include <array>
#include <utility>

namespace sk {
namespace {

// AES-128 first: on the per-request path it is the cheapest that is safe. A client that puts
// ChaCha20 first has no AES instructions and gets ChaCha20.
constexpr const char* kTls13Suites =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519MLKEM768:X25519:P-256";

constexpr std::size_t kAlpnNameMax = 255;

const TlsContext& context_of(SSL* ssl) {
  return *static_cast<const TlsContext*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned offered_bytes, void*) {
  const std::string& ours = context_of(ssl).alpn_wire();
  unsigned char* match = nullptr;
  const int result = SSL_select_next_proto(
      &match, chosen_bytes, reinterpret_cast<const unsigned char*>(ours.data()),
      static_cast<unsigned>(ours.size()), offered, offered_bytes);
  *chosen = match;
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool set_mac_key(EVP_MAC_CTX* mac, const TicketKey& key) {
  std::array<unsigned char, 32> bytes = key.mac;
  std::array<char, 7> digest{"SHA256"};
  const std::array<OSSL_PARAM, 3> parameters{
      OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes.data(), bytes.size()),
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0),
      OSSL_PARAM_construct_end()};
  const bool done = EVP_MAC_CTX_set_params(mac, parameters.data()) == 1;
  OPENSSL_cleanse(bytes.data(), bytes.size());
  return done;
}

// OpenSSL's contract: -1 error, 0 no such key (a full handshake follows), 1 done, 2 done and renew.
int use_ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, int sealing) {
  TicketKeys& keys = context_of(ssl).tickets();
  const Instant now = std::chrono::steady_clock::now();
  const EVP_CIPHER* algorithm = EVP_aes_256_cbc();
  if (sealing != 0) {
    const TicketKey key = keys.sealing(now);
    std::copy(key.name.begin(), key.name.end(), name);
    const bool done = RAND_bytes(iv, EVP_CIPHER_get_iv_length(algorithm)) == 1 &&
                      EVP_EncryptInit_ex2(cipher, algorithm, key.cipher.data(), iv, nullptr) == 1 &&
                      set_mac_key(mac, key);
    return done ? 1 : -1;
  }
  const std::optional<TicketKeys::Opening> opening =
      keys.opening({name, TicketKey::kNameBytes}, now);
  if (!opening) {
    return 0;
  }
  if (EVP_DecryptInit_ex2(cipher, algorithm, opening->key.cipher.data(), iv, nullptr) != 1 ||
      !set_mac_key(mac, opening->key)) {
    return -1;
  }
  return opening->renew ? 2 : 1;
}

}  // namespace

TlsContext::TlsContext(std::shared_ptr<TicketKeys> tickets) : tickets_(std::move(tickets)) {}

TlsContext::~TlsContext() { SSL_CTX_free(native_); }

bool TlsContext::configure(const TlsConfig& config) {
  native_ = SSL_CTX_new(TLS_server_method());
  if (native_ == nullptr) {
    return false;
  }
  SSL_CTX_set_app_data(native_, this);
  SSL_CTX_set_options(native_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_clear_options(native_, SSL_OP_ENABLE_KTLS);  // the system's configuration may set it
  SSL_CTX_set_mode(native_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(native_, 0);
  SSL_CTX_set_session_cache_mode(native_, SSL_SESS_CACHE_OFF);
  // As long as the key that sealed it may open it for certain.
  SSL_CTX_set_timeout(native_, std::chrono::seconds(TicketKeys::kRotation).count());
  SSL_CTX_set_tlsext_ticket_key_evp_cb(native_, use_ticket_key);
  SSL_CTX_set_alpn_select_cb(native_, choose_protocol, nullptr);

  std::array<unsigned char, SHA256_DIGEST_LENGTH> name_hash{};
  static_assert(SHA256_DIGEST_LENGTH <= SSL_MAX_SID_CTX_LENGTH);
  SHA256(reinterpret_cast<const unsigned char*>(config.name.data()), config.name.size(),
         name_hash.data());
  return SSL_CTX_set_min_proto_version(native_, TLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(native_, TLS1_3_VERSION) == 1 &&
         SSL_CTX_set_ciphersuites(native_, kTls13Suites) == 1 &&
         SSL_CTX_set_cipher_list(native_, kTls12Ciphers) == 1 &&
         SSL_CTX_set1_groups_list(native_, kGroups) == 1 &&
         SSL_CTX_set_num_tickets(native_, 1) == 1 && SSL_CTX_set_max_early_data(native_, 0) == 1 &&
         SSL_CTX_set_session_id_context(native_, name_hash.data(),
                                        static_cast<unsigned>(name_hash.size())) == 1;
}

Result<std::shared_ptr<const TlsContext>> TlsContext::create(const TlsConfig& config,
                                                             std::shared_ptr<TicketKeys> tickets,
                                                             std::string& why) {
  SK_ASSERT(tickets != nullptr);
  const Result<Certificate> certificate = Certificate::load(config.certificate, why);
  if (!certificate) {
    return fail(certificate.error());
  }
  std::shared_ptr<TlsContext> context(new TlsContext(std::move(tickets)));
  for (const std::string& protocol : config.alpn) {
    SK_ASSERT(!protocol.empty());
    SK_ASSERT(protocol.size() <= kAlpnNameMax);
    context->alpn_wire_.push_back(static_cast<char>(protocol.size()));
    context->alpn_wire_.append(protocol);
  }
  clear_tls_errors();
  if (!context->configure(config)) {
    const Error error = take_tls_error();
    why = std::string("OpenSSL refuses the TLS settings (") + error.detail +
          "): check the system's openssl.cnf";
    return fail(ErrorCode::unsupported, "tls context", ErrorOrigin::config);
  }
  if (!certificate->install(context->native_)) {
    const Error error = take_tls_error();
    why = "certificate \"" + config.certificate.certificate + "\" is not accepted by OpenSSL (" +
          error.detail + "): use an ECDSA P-256 or an RSA key of 2048 bits or more";
    return fail(ErrorCode::unsupported, "tls certificate", ErrorOrigin::config);
  }
  context->warnings_ = certificate->warnings();
  context->expires_unix_ = certificate->expires_unix();
  return std::shared_ptr<const TlsContext>(std::move(context));
}

}  // namespace sk
