// TlsContext: what all TLS connections of a listener have in common. Immutable, shared by threads.
//
// TLS 1.2 and 1.3; for 1.2 only ECDHE with authenticated encryption. The post-quantum hybrid
// X25519MLKEM768 comes first, then X25519 and P-256. No renegotiation, no compression, no early
// data. Resumption by tickets only (no server-side cache), see ticket_keys.h.
#pragma once

#include "net/core/result.h"
#include "net/tls/certificate.h"
#include "net/tls/ticket_keys.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace sk {

struct TlsConfig {
  CertificateFiles certificate;
  // In order of preference. A client that offers none of them is refused with the alert
  // no_application_protocol; one that offers nothing is served.
  std::vector<std::string> alpn{"http/1.1"};
  // Sessions are not resumed across different names: the listener's, or a virtual host's.
  std::string name;
};

class TlsContext {
 public:
  // On failure `why` is the line for the operator.
  [[nodiscard]] static Result<std::shared_ptr<const TlsContext>> create(
      const TlsConfig& config, std::shared_ptr<TicketKeys> tickets, std::string& why);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  [[nodiscard]] ssl_ctx_st* native() const { return native_; }
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  [[nodiscard]] std::int64_t certificate_expires_unix() const { return expires_unix_; }

  // --- for the callbacks in context.cpp ---
  [[nodiscard]] TicketKeys& tickets() const { return *tickets_; }
  // As ALPN writes them: a length byte before each name.
  [[nodiscard]] const std::string& alpn_wire() const { return alpn_wire_; }

 private:
  explicit TlsContext(std::shared_ptr<TicketKeys> tickets);
  [[nodiscard]] bool configure(const TlsConfig& config);

  std::shared_ptr<TicketKeys> tickets_;
  ssl_ctx_st* native_ = nullptr;
  std::string alpn_wire_;
  std::vector<std::string> warnings_;
  std::int64_t expires_unix_ = 0;
};

}  // namespace sk
