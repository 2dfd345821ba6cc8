// TlsClientContext: what all TLS connections that we open to one kind of peer have in common.
//
// TLS 1.2 and 1.3 with the groups of context.h. The peer's certificate is checked against the
// system's authorities or a file of them, and its name against the one we connect to, unless that
// was switched off. Immutable, shared by threads.
#pragma once

#include "net/core/result.h"

#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;
struct ssl_st;

namespace sk {

struct TlsClientConfig {
  std::string authorities;  // PEM file of the authorities we trust; empty: the system's
  bool verify = true;       // false: any certificate will do
  std::vector<std::string> alpn{"http/1.1"};  // what we offer
};

class TlsClientContext {
 public:
  // On failure `why` is the line for the operator.
  [[nodiscard]] static Result<std::shared_ptr<const TlsClientContext>> create(
      const TlsClientConfig& config, std::string& why);
  ~TlsClientContext();
  TlsClientContext(const TlsClientContext&) = delete;
  TlsClientContext& operator=(const TlsClientContext&) = delete;

  [[nodiscard]] ssl_ctx_st* native() const { return native_; }

  // Makes a new session ask for that name (SNI, unless it is an address) and insist on a
  // certificate for it. False where OpenSSL does not take the name.
  [[nodiscard]] bool name_peer(ssl_st* session, const std::string& name) const;

 private:
  TlsClientContext() = default;

  ssl_ctx_st* native_ = nullptr;
  bool verify_ = true;
};

}  // namespace sk
