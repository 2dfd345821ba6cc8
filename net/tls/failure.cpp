#include "net/tls/failure.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/sslerr.h>

namespace sk {
namespace {

// Reasons from here on are alerts that the peer sent.
constexpr int kPeerAlert = SSL_AD_REASON_OFFSET;

ErrorCode classify(int reason) {
  if (reason >= kPeerAlert) {
    return ErrorCode::refused;
  }
  switch (reason) {
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return ErrorCode::unsupported;
    default:
      return ErrorCode::malformed;
  }
}

}  // namespace

void clear_tls_errors() { ERR_clear_error(); }

Error take_tls_error() {
  const unsigned long first = ERR_peek_error();  // the oldest is the cause, the rest its echo
  Error error{ErrorCode::malformed, ErrorOrigin::downstream, 0, "tls: failed"};
  if (first != 0) {
    // The tables of texts are part of the library and live as long as the process.
    if (const char* text = ERR_reason_error_string(first); text != nullptr) {
      error.detail = text;
    }
    if (ERR_GET_LIB(first) == ERR_LIB_SSL) {
      error.code = classify(ERR_GET_REASON(first));
    }
  }
  ERR_clear_error();
  return error;
}

}  // namespace sk
