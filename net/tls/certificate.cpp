#include "net/tls/certificate.h"

#include "net/core/owned_fd.h"
#include "net/tls/failure.h"
#include "net/tls/openssl_ptr.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <utility>

namespace sk {
namespace {

constexpr std::size_t kFileBytesMax = 1U << 20;
constexpr std::int64_t kExpiresSoonSeconds = 14 * 24 * 3600;

std::unexpected<Error> refuse(std::string& why, std::string text, int sys_errno = 0) {
  why = std::move(text);
  return fail(sys_errno != 0
                  ? error_from_errno(sys_errno, "tls certificate", ErrorOrigin::config)
                  : Error{ErrorCode::malformed, ErrorOrigin::config, 0, "tls certificate"});
}

std::string quoted(const std::string& path) { return "\"" + path + "\""; }

// The file's bytes, wiped when they go out of scope: they may be a key.
class FileBytes {
 public:
  FileBytes() = default;
  FileBytes(const FileBytes&) = delete;
  FileBytes& operator=(const FileBytes&) = delete;
  ~FileBytes() { OPENSSL_cleanse(bytes.data(), bytes.size()); }
  [[nodiscard]] bool contains(std::string_view text) const {
    return bytes.find(text) != std::string::npos;
  }
  [[nodiscard]] BioPtr open() const {
    return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
  }
  std::string bytes;
  mode_t mode = 0;
};

Result<void> read_file(const std::string& path, const char* what, FileBytes& out,
                       std::string& why) {
  const OwnedFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status{};
  if (fd.get() < 0 || ::fstat(fd.get(), &status) != 0) {
    const int error = errno;
    const char* fix = error == ENOENT   ? "check the path, or create the file"
                      : error == EACCES ? "make it readable for the user that starts the program"
                                        : "make it a readable file";
    return refuse(why,
                  std::string(what) + " " + quoted(path) + " cannot be read (" +
                      ::strerrordesc_np(error) + "): " + fix,
                  error);
  }
  out.mode = status.st_mode;
  // One allocation of the final size, so that no stale copy of a key stays in memory.
  const bool sane = S_ISREG(status.st_mode) && status.st_size >= 0 &&
                    static_cast<std::size_t>(status.st_size) <= kFileBytesMax;
  out.bytes.resize(sane ? static_cast<std::size_t>(status.st_size) : 0);
  std::size_t have = 0;
  while (have < out.bytes.size()) {
    const ssize_t got = ::read(fd.get(), out.bytes.data() + have, out.bytes.size() - have);
    if (got <= 0) {
      break;
    }
    have += static_cast<std::size_t>(got);
  }
  out.bytes.resize(have);
  if (!sane || out.bytes.empty()) {
    return refuse(why, std::string(what) + " " + quoted(path) +
                           " is empty, too large or no regular file: name a PEM file");
  }
  return {};
}

// Called for a key with a passphrase; says so instead of asking on a terminal.
int note_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

std::int64_t to_unix(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

std::string to_date(std::int64_t unix_seconds) {
  const std::time_t time = unix_seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text.data();
}

}  // namespace

struct Certificate::Parts {
  CertificatePtr leaf;
  CertificateStackPtr chain;  // the intermediates
  KeyPtr key;
};

Certificate::Certificate() : parts_(std::make_unique<Parts>()) {}
Certificate::Certificate(Certificate&&) noexcept = default;
Certificate& Certificate::operator=(Certificate&&) noexcept = default;
Certificate::~Certificate() = default;

Result<void> Certificate::read(const CertificateFiles& files, std::string& why) {
  FileBytes certificate;
  if (Result<void> done = read_file(files.certificate, "certificate", certificate, why); !done) {
    return done;
  }
  FileBytes key;
  if (Result<void> done = read_file(files.key, "key", key, why); !done) {
    return done;
  }

  clear_tls_errors();
  const BioPtr certificates = certificate.open();
  parts_->leaf.reset(PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr));
  if (!parts_->leaf) {
    clear_tls_errors();
    const std::string file = "certificate " + quoted(files.certificate);
    if (certificate.contains("BEGIN CERTIFICATE")) {
      return refuse(why, file + " is damaged: its first certificate cannot be decoded");
    }
    if (certificate.contains("PRIVATE KEY")) {
      return refuse(why,
                    file + " holds a private key and no certificate: are cert and key swapped?");
    }
    return refuse(why, file +
                           " holds no PEM certificate (-----BEGIN CERTIFICATE-----): convert a "
                           "binary one with openssl x509 -inform der");
  }
  parts_->chain.reset(sk_X509_new_null());
  while (X509* next = PEM_read_bio_X509(certificates.get(), nullptr, nullptr, nullptr)) {
    sk_X509_push(parts_->chain.get(), next);
  }
  clear_tls_errors();  // the end of the file is one

  bool encrypted = false;
  const BioPtr keys = key.open();
  parts_->key.reset(PEM_read_bio_PrivateKey(keys.get(), nullptr, note_passphrase, &encrypted));
  if (!parts_->key) {
    clear_tls_errors();
    const std::string file = "key " + quoted(files.key);
    if (encrypted) {
      return refuse(why, file +
                             " is protected by a passphrase: store it without (openssl pkey -in " +
                             files.key + " -out …) and readable for its user only");
    }
    if (!key.contains("PRIVATE KEY") && key.contains("BEGIN CERTIFICATE")) {
      return refuse(why, file + " holds a certificate and no key: are cert and key swapped?");
    }
    return refuse(why, file + " holds no PEM private key (-----BEGIN PRIVATE KEY-----)");
  }
  if ((key.mode & S_IROTH) != 0) {
    warnings_.push_back("key " + quoted(files.key) + " is readable for everybody: chmod 600 it");
  }
  return {};
}

Result<void> Certificate::check(const CertificateFiles& files, std::string& why) {
  X509* leaf = parts_->leaf.get();
  if (X509_check_private_key(leaf, parts_->key.get()) != 1) {
    clear_tls_errors();
    return refuse(why, "key " + quoted(files.key) + " does not belong to certificate " +
                           quoted(files.certificate) +
                           ": use the key that the certificate was requested with");
  }
  const std::string file = "certificate " + quoted(files.certificate);
  const auto now = static_cast<std::int64_t>(std::time(nullptr));
  const std::int64_t begins = to_unix(X509_get0_notBefore(leaf));
  expires_unix_ = to_unix(X509_get0_notAfter(leaf));
  if (expires_unix_ <= now) {
    return refuse(why, file + " expired on " + to_date(expires_unix_) + ": renew it");
  }
  if (begins > now) {
    return refuse(why, file + " is not valid before " + to_date(begins) +
                           ": check this host's clock, or wait");
  }
  if (expires_unix_ - now < kExpiresSoonSeconds) {
    warnings_.push_back(file + " expires on " + to_date(expires_unix_) + ": renew it");
  }
  X509* below = leaf;
  for (int i = 0; i < sk_X509_num(parts_->chain.get()); ++i) {
    X509* issuer = sk_X509_value(parts_->chain.get(), i);
    if (X509_check_issued(issuer, below) != X509_V_OK) {
      warnings_.push_back(file + ": certificate " + std::to_string(i + 2) +
                          " in it did not issue the one before it: put the leaf first, then each "
                          "certificate's issuer");
      break;
    }
    below = issuer;
  }
  clear_tls_errors();
  return {};
}

Result<Certificate> Certificate::load(const CertificateFiles& files, std::string& why) {
  Certificate certificate;
  if (const Result<void> done = certificate.read(files, why); !done) {
    return fail(done.error());
  }
  if (const Result<void> done = certificate.check(files, why); !done) {
    return fail(done.error());
  }
  return certificate;
}

bool Certificate::install(ssl_ctx_st* context) const {
  clear_tls_errors();
  return SSL_CTX_use_cert_and_key(context, parts_->leaf.get(), parts_->key.get(),
                                  parts_->chain.get(), 1) == 1;
}

}  // namespace sk
