// TlsTransport: either side of one TLS connection, as a Transport over a socket.
//
// OpenSSL reads ciphertext straight out of the slices that the socket received and writes its
// records into the socket's output queue; there is no memory BIO between. Plaintext is decrypted
// into one pooled buffer, which is handed to the reader as a slice. Nothing is held for a
// connection that is idle, neither of ours nor, thanks to SSL_MODE_RELEASE_BUFFERS, of OpenSSL's
// record buffers.
//
// Bounds: at most one buffer of plaintext is read ahead; at most kEncryptedAheadMax bytes are
// encrypted before the kernel takes them, the rest waits in output() as plaintext.
//
// The handshake runs by itself from start() on; handshake() waits for it. Bytes put into output()
// before are sent when it is done. Whatever OpenSSL does not like breaks the transport with its
// words as the Error's detail.
#pragma once

#include "net/io/socket_transport.h"
#include "net/tls/client_context.h"
#include "net/tls/context.h"
#include "net/tls/handshake_admission.h"

#include <memory>
#include <string_view>

struct bio_st;
struct ssl_st;

namespace sk {

// What was agreed upon, for logs. The texts live as long as the connection.
struct TlsDetails {
  std::string_view version;      // "TLSv1.3"
  std::string_view cipher;       // "TLS_AES_128_GCM_SHA256"
  std::string_view group;        // "X25519MLKEM768"
  std::string_view alpn;         // "http/1.1"; empty if the client offered none
  std::string_view server_name;  // as the client sent it: unchecked
  bool resumed = false;
};

class TlsTransport final : public Transport {
 public:
  static constexpr std::size_t kEncryptedAheadMax = 256 * 1024;
  // The largest ClientHello we read, with a little for the client's Finished.
  static constexpr std::size_t kHandshakeBytesMax = 16384 + 1024;

  // The admission belongs to the loop and outlives the transport.
  TlsTransport(std::shared_ptr<const TlsContext> context, HandshakeAdmission& admission,
               std::unique_ptr<SocketTransport> socket);
  // The client's side: start() sends the first message. server_name: whom we connect to, a name or
  // an address; it is asked for and, where the context verifies, insisted on. Errors have the
  // origin upstream.
  TlsTransport(std::shared_ptr<const TlsClientContext> context, HandshakeAdmission& admission,
               std::unique_ptr<SocketTransport> socket, const std::string& server_name);
  ~TlsTransport() override;

  void start() override;

  // Waits until the handshake is done. Errors: why it failed (malformed, unsupported, refused,
  // closed, reset, too_large), timeout, or the scope's reason; close() is what remains to do.
  [[nodiscard]] Task<Result<void>> handshake(CancelScope& scope, Instant until);
  [[nodiscard]] bool established() const { return established_; }
  // Only once established.
  [[nodiscard]] TlsDetails details() const;

  // The peer's stream ended without the close_notify that TLS asks for: what came before may have
  // been cut short on the way. HTTP/1.1 with its own lengths can tell; a body that is delimited by
  // the end of the connection cannot.
  [[nodiscard]] bool truncated() const { return truncated_; }

  void flush() override;
  // Counts a close_notify that is still to be written, so that who waits for 0 does not close too
  // early.
  [[nodiscard]] std::size_t unsent() const override {
    return output_.size() + socket_->unsent() + (shutdown_wanted_ && !shutdown_sent_ ? 1 : 0);
  }
  // Sends close_notify behind everything queued, then ends the socket's direction.
  void shutdown_write() override;
  [[nodiscard]] Task<void> close() override;

 private:
  struct Flush final : ReadyNode {
    explicit Flush(TlsTransport& transport)
        : ReadyNode([](ReadyNode& node) { static_cast<Flush&>(node).owner.flush_now(); }),
          owner(transport) {}
    TlsTransport& owner;
  };
  // Decrypts on for a reader that has taken what there was: not inside its take(), because what
  // comes next may break the transport.
  struct More final : ReadyNode {
    explicit More(TlsTransport& transport)
        : ReadyNode([](ReadyNode& node) { static_cast<More&>(node).owner.more_wanted(); }),
          owner(transport) {}
    TlsTransport& owner;
  };
  struct Turn final : HandshakeAdmission::Waiter {
    explicit Turn(TlsTransport& transport)
        : Waiter([](ReadyNode& node) { static_cast<Turn&>(node).owner.admitted(); }),
          owner(transport) {}
    TlsTransport& owner;
  };
  struct Bio;  // OpenSSL's view of the socket

  TlsTransport(std::shared_ptr<const void> context, ssl_ctx_st* native,
               HandshakeAdmission& admission, std::unique_ptr<SocketTransport> socket,
               ErrorOrigin peer);

  static void socket_activity(void* self, Activity what);
  void input_taken() override;

  void advance();
  // False while the handshake still waits for something.
  bool continue_handshake();
  void take_handshake_step();
  void admitted();
  void decrypt();
  void encrypt();
  void flush_now();
  void more_wanted();
  void end_input();
  void fail_with(const Error& error);
  // The result of an OpenSSL call that did not succeed.
  void handle_stop(int result);

  // For Bio: the next ciphertext, or nothing for now.
  std::size_t read_ciphertext(char* out, std::size_t size);
  [[nodiscard]] bool plaintext_may_come() const;
  [[nodiscard]] bool ciphertext_waits() const {
    return !ciphertext_.empty() || (socket_->readable() && !socket_ended_ && !socket_error_);
  }

  std::shared_ptr<const void> context_;  // kept alive; of either side's type
  HandshakeAdmission& admission_;
  std::unique_ptr<SocketTransport> socket_;
  ssl_st* ssl_;
  const ErrorOrigin peer_;
  Slice ciphertext_;  // the rest of what the socket delivered last
  std::size_t handshake_bytes_ = 0;
  std::optional<Error> socket_error_;
  bool socket_ended_ = false;
  bool opened_ = false;  // the client's first message was made
  bool established_ = false;
  bool input_over_ = false;  // deliver_end() was called
  bool truncated_ = false;
  bool encrypt_wanted_ = false;  // output waits for the handshake or for the socket
  bool shutdown_wanted_ = false;
  bool shutdown_sent_ = false;
  bool closing_ = false;
  Flush flush_;
  More more_;
  Turn turn_;
  Event handshake_event_;
};

}  // namespace sk
