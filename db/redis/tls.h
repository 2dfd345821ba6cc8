// TLS towards Redis: hiredis encrypts, but it does not check whose certificate it was shown.
#pragma once

#include "db/redis/config.h"
#include "db/redis/error.h"

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace sk::redis {

struct FreeTls {
  void operator()(SSL* session) const { SSL_free(session); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeTls>;
using TlsSession = std::unique_ptr<SSL, FreeTls>;

// Trusts the CA file, or the system's certificates where it is empty.
[[nodiscard]] Result<TlsContext> make_tls_context(const std::string& ca_file);

// A session that only succeeds with a certificate for that host (a name or an address).
[[nodiscard]] TlsSession make_tls_session(SSL_CTX& context, const std::string& host);

// Why the session failed: the certificate's fault if there is one, else what OpenSSL says.
[[nodiscard]] std::string tls_trouble(const SSL& session);

}  // namespace sk::redis
