#include "net/tls/session.h"

#include "net/io/loop.h"
#include "net/tls/failure.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

namespace sk {
namespace {

// One record's payload; OpenSSL would split larger pieces itself, but only after taking them all.
constexpr std::size_t kRecordBytes = 16384;

// A peer that makes OpenSSL answer (key updates) without reading the answers is not read from
// either, beyond what a response may have put there.
constexpr std::size_t kAnswersUnsentMax = TlsTransport::kEncryptedAheadMax + 64 * 1024;

std::string_view text_or_empty(const char* text) {
  return text != nullptr ? std::string_view(text) : std::string_view();
}

}  // namespace

// A source and sink without memory of its own: the data is the transport.
struct TlsTransport::Bio {
  static TlsTransport& transport_of(BIO* bio) {
    return *static_cast<TlsTransport*>(BIO_get_data(bio));
  }

  static int read(BIO* bio, char* out, int size) {
    BIO_clear_retry_flags(bio);
    const std::size_t got = transport_of(bio).read_ciphertext(out, static_cast<std::size_t>(size));
    if (got == 0) {
      // Also at the end of the stream: the transport knows, and OpenSSL can still write then.
      BIO_set_retry_read(bio);
      return -1;
    }
    return static_cast<int>(got);
  }

  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    transport_of(bio).socket_->output().append_copy({bytes, static_cast<std::size_t>(size)});
    return size;
  }

  static long control(BIO*, int command, long, void*) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;  // 0 to the questions for kTLS
  }

  static int create(BIO* bio) {
    BIO_set_init(bio, 1);
    return 1;
  }

  static const BIO_METHOD* method() {
    static const BIO_METHOD* const kMethod = [] {
      BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
      if (made == nullptr || BIO_meth_set_read(made, read) != 1 ||
          BIO_meth_set_write(made, write) != 1 || BIO_meth_set_ctrl(made, control) != 1 ||
          BIO_meth_set_create(made, create) != 1) {
        throw std::bad_alloc();
      }
      return made;
    }();
    return kMethod;
  }
};

TlsTransport::TlsTransport(std::shared_ptr<const TlsContext> context, HandshakeAdmission& admission,
                           std::unique_ptr<SocketTransport> socket)
    : TlsTransport(context, context->native(), admission, std::move(socket),
                   ErrorOrigin::downstream) {
  SSL_set_accept_state(ssl_);
}

TlsTransport::TlsTransport(std::shared_ptr<const TlsClientContext> context,
                           HandshakeAdmission& admission, std::unique_ptr<SocketTransport> socket,
                           const std::string& server_name)
    : TlsTransport(context, context->native(), admission, std::move(socket),
                   ErrorOrigin::upstream) {
  SSL_set_connect_state(ssl_);
  if (!context->name_peer(ssl_, server_name)) {
    throw std::bad_alloc();  // the name was taken from a URL that was checked: only memory is left
  }
}

TlsTransport::TlsTransport(std::shared_ptr<const void> context, ssl_ctx_st* native,
                           HandshakeAdmission& admission, std::unique_ptr<SocketTransport> socket,
                           ErrorOrigin peer)
    : Transport(socket->loop()),
      context_(std::move(context)),
      admission_(admission),
      socket_(std::move(socket)),
      ssl_(SSL_new(native)),
      peer_(peer),
      flush_(*this),
      more_(*this),
      turn_(*this),
      handshake_event_(loop_) {
  BIO* bio = ssl_ != nullptr ? BIO_new(Bio::method()) : nullptr;
  if (bio == nullptr) {
    throw std::bad_alloc();
  }
  BIO_set_data(bio, this);
  SSL_set_bio(ssl_, bio, bio);  // takes the one reference for both directions
  socket_->on_activity(socket_activity, this);
}

TlsTransport::~TlsTransport() { SSL_free(ssl_); }

void TlsTransport::start() {
  socket_->start();
  if (SSL_is_server(ssl_) == 0 && !opened_) {
    opened_ = true;
    take_handshake_step();  // a client speaks first
  }
}

Task<Result<void>> TlsTransport::handshake(CancelScope& scope, Instant until) {
  while (!established_) {
    if (broken()) {
      co_return fail(*broken());
    }
    const Result<void> waited = co_await handshake_event_.wait(scope, until);
    if (!waited) {
      co_return fail(waited.error().code, "tls handshake", peer_);
    }
  }
  co_return Result<void>();
}

TlsDetails TlsTransport::details() const {
  SK_ASSERT(established_);
  TlsDetails out;
  out.version = text_or_empty(SSL_get_version(ssl_));
  out.cipher = text_or_empty(SSL_get_cipher_name(ssl_));
  out.group = text_or_empty(SSL_get0_group_name(ssl_));
  out.server_name = text_or_empty(SSL_get_servername(ssl_, TLSEXT_NAMETYPE_host_name));
  const unsigned char* alpn = nullptr;
  unsigned alpn_bytes = 0;
  SSL_get0_alpn_selected(ssl_, &alpn, &alpn_bytes);
  if (alpn_bytes > 0) {
    out.alpn = {reinterpret_cast<const char*>(alpn), alpn_bytes};
  }
  out.resumed = SSL_session_reused(ssl_) == 1;
  return out;
}

// --- from the socket ---

void TlsTransport::socket_activity(void* self, Activity what) {
  auto& transport = *static_cast<TlsTransport*>(self);
  if (transport.closing_ || transport.broken()) {
    return;
  }
  transport.advance();
  if (what == Activity::output) {
    transport.output_moved();
  }
}

std::size_t TlsTransport::read_ciphertext(char* out, std::size_t size) {
  if (ciphertext_.empty()) {
    if (!ciphertext_waits()) {
      return 0;
    }
    Result<Slice> next = socket_->take();
    if (!next) {
      socket_error_ = next.error();
      return 0;
    }
    if (next->empty()) {
      socket_ended_ = true;
      return 0;
    }
    ciphertext_ = std::move(*next);
  }
  const std::size_t part = std::min(size, ciphertext_.size());
  std::memcpy(out, ciphertext_.data(), part);
  ciphertext_.remove_prefix(part);
  if (ciphertext_.empty()) {
    ciphertext_.reset();  // the buffer goes back at once
  }
  if (!established_) {
    handshake_bytes_ += part;
  }
  return part;
}

void TlsTransport::advance() {
  if (!established_ && !continue_handshake()) {
    return;
  }
  decrypt();
  if (encrypt_wanted_ && !broken()) {
    encrypt();
  }
  if (socket_->unsent() > 0) {
    socket_->flush();
  }
  // What was read ahead has been delivered; the rest is worth nothing without its end.
  if (socket_->broken() && !broken()) {
    fail_with(*socket_->broken());
  }
}

// --- handshake ---

bool TlsTransport::continue_handshake() {
  if (socket_->broken() && !ciphertext_waits()) {
    fail_with(*socket_->broken());
    return false;
  }
  if (turn_.waiting() || !ciphertext_waits()) {
    return false;
  }
  if (!admission_.try_admit()) {
    admission_.wait(turn_);
    return false;
  }
  take_handshake_step();
  return established_;
}

void TlsTransport::admitted() {
  take_handshake_step();
  if (established_) {
    advance();
  }
}

void TlsTransport::take_handshake_step() {
  clear_tls_errors();
  const int result = SSL_do_handshake(ssl_);
  if (result == 1) {
    established_ = true;
    handshake_event_.set();
    return;
  }
  if (SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ && handshake_bytes_ > kHandshakeBytesMax) {
    fail_with(Error{ErrorCode::too_large, ErrorOrigin::downstream, 0,
                    "tls: the handshake is longer than allowed"});
    return;
  }
  handle_stop(result);
  if (!broken()) {
    socket_->flush();  // our part of the handshake
  }
}

// --- reading ---

void TlsTransport::input_taken() {
  if (!closing_ && plaintext_may_come()) {
    loop_.make_ready(more_);
  }
}

void TlsTransport::more_wanted() {
  if (!broken()) {
    advance();
  }
}

bool TlsTransport::plaintext_may_come() const {
  return ciphertext_waits() || SSL_has_pending(ssl_) == 1;
}

void TlsTransport::decrypt() {
  while (!holds_input() && !input_over_ && !broken() && plaintext_may_come() &&
         socket_->unsent() <= kAnswersUnsentMax) {
    Buffer& buffer = loop_.buffers().acquire_or_allocate();
    Slice plaintext = Slice::adopt(buffer, buffer.data, 0);
    int result = 1;
    while (plaintext.size() < kBufferBytes && plaintext_may_come()) {
      clear_tls_errors();
      std::size_t got = 0;
      result =
          SSL_read_ex(ssl_, buffer.data + plaintext.size(), kBufferBytes - plaintext.size(), &got);
      if (result != 1) {
        break;
      }
      plaintext.extend(got);
    }
    if (!plaintext.empty()) {
      deliver(std::move(plaintext));
    }
    if (result != 1) {
      handle_stop(result);
      return;
    }
  }
}

void TlsTransport::end_input() {
  if (!input_over_) {
    input_over_ = true;
    deliver_end();
  }
}

void TlsTransport::handle_stop(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      if (socket_error_) {
        fail_with(*socket_error_);
      } else if (socket_ended_ && !established_) {
        fail_with(Error{ErrorCode::closed, ErrorOrigin::downstream, 0,
                        "tls: closed during the handshake"});
      } else if (socket_ended_) {
        truncated_ = true;
        end_input();
      }
      return;
    case SSL_ERROR_ZERO_RETURN:
      end_input();
      return;
    default: {
      const Error error = take_tls_error();
      // The alert that OpenSSL has queued; whoever hears of the failure may close at once.
      socket_->send_now();
      fail_with(error);
    }
  }
}

void TlsTransport::fail_with(const Error& error) {
  turn_.give_up();
  Error of_peer = error;
  if (peer_ == ErrorOrigin::upstream) {
    of_peer.origin = peer_;
  }
  break_with(of_peer);
  handshake_event_.set();
}

// --- writing ---

void TlsTransport::flush() {
  if (!closing_ && !broken()) {
    loop_.at_turn_end(flush_);
  }
}

void TlsTransport::flush_now() {
  encrypt();
  socket_->send_now();
}

void TlsTransport::encrypt() {
  encrypt_wanted_ = true;
  if (!established_ || broken()) {
    return;
  }
  while (!output_.empty()) {
    if (socket_->unsent() >= kEncryptedAheadMax) {
      return;
    }
    const std::string_view piece = output_.front().substr(0, kRecordBytes);
    clear_tls_errors();
    std::size_t written = 0;
    if (SSL_write_ex(ssl_, piece.data(), piece.size(), &written) != 1) {
      // The BIO takes everything, so only a broken session gets here.
      fail_with(take_tls_error());
      return;
    }
    output_.consume(written);
  }
  if (shutdown_wanted_ && !shutdown_sent_) {
    shutdown_sent_ = true;
    clear_tls_errors();
    static_cast<void>(SSL_shutdown(ssl_));  // 0: sent, the peer's is still to come
    clear_tls_errors();
    socket_->shutdown_write();
  }
  encrypt_wanted_ = false;
}

void TlsTransport::shutdown_write() {
  shutdown_wanted_ = true;
  flush();
}

Task<void> TlsTransport::close() {
  closing_ = true;
  flush_.unlink();
  more_.unlink();
  turn_.give_up();
  co_await socket_->close();
  ciphertext_.reset();
  output_.clear();
}

}  // namespace sk
