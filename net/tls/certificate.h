// Certificate: a certificate chain with its private key, read from PEM files and checked.
//
// Everything that would make clients fail later is found out here: unreadable files, files of
// another kind, a key that belongs to another certificate, a validity that is over. Files are read
// once, before privileges are dropped.
#pragma once

#include "net/core/result.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

struct ssl_ctx_st;

namespace sk {

struct CertificateFiles {
  std::string certificate;  // PEM: the leaf first, then the intermediates
  std::string key;          // PEM, without passphrase; may be the same file
};

class Certificate {
 public:
  // On failure `why` names the file, what is wrong with it and what to do.
  [[nodiscard]] static Result<Certificate> load(const CertificateFiles& files, std::string& why);
  Certificate(Certificate&&) noexcept;
  Certificate& operator=(Certificate&&) noexcept;
  ~Certificate();

  // For logs: things that work but should be looked at.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }
  // Seconds since the Unix epoch.
  [[nodiscard]] std::int64_t expires_unix() const { return expires_unix_; }

  // Makes the context serve it. False if OpenSSL does not accept it.
  [[nodiscard]] bool install(ssl_ctx_st* context) const;

 private:
  struct Parts;

  Certificate();
  [[nodiscard]] Result<void> read(const CertificateFiles& files, std::string& why);
  [[nodiscard]] Result<void> check(const CertificateFiles& files, std::string& why);

  std::unique_ptr<Parts> parts_;
  std::vector<std::string> warnings_;
  std::int64_t expires_unix_ = 0;
};

}  // namespace sk
