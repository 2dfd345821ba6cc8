#include "net/tls/ticket_keys.h"

#include "net/core/assert.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <algorithm>

namespace sk {
namespace {

TicketKey fresh_key(Instant now) {
  TicketKey key;
  // Without randomness there is no TLS at all.
  SK_ASSERT(RAND_bytes(key.name.data(), static_cast<int>(key.name.size())) == 1);
  SK_ASSERT(RAND_priv_bytes(key.cipher.data(), static_cast<int>(key.cipher.size())) == 1);
  SK_ASSERT(RAND_priv_bytes(key.mac.data(), static_cast<int>(key.mac.size())) == 1);
  key.made = now;
  return key;
}

}  // namespace

TicketKey::~TicketKey() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(mac.data(), mac.size());
}

TicketKeys::TicketKeys(Instant now, Duration rotation)
    : rotation_(rotation), current_(fresh_key(now)) {}

void TicketKeys::rotate_if_due_locked(Instant now) {
  const Duration age = now - current_.made;
  if (age < rotation_) {
    return;
  }
  if (age < 2 * rotation_) {
    previous_ = current_;
  } else {
    previous_.reset();  // nobody came for so long that its time to open is over as well
  }
  current_ = fresh_key(now);
}

void TicketKeys::rotate_if_due(Instant now) {
  const std::lock_guard lock(lock_);
  rotate_if_due_locked(now);
}

void TicketKeys::rotate(Instant now) {
  const std::lock_guard lock(lock_);
  previous_ = current_;
  current_ = fresh_key(now);
}

TicketKey TicketKeys::sealing(Instant now) {
  const std::lock_guard lock(lock_);
  rotate_if_due_locked(now);
  return current_;
}

std::optional<TicketKeys::Opening> TicketKeys::opening(std::span<const unsigned char> name,
                                                       Instant now) {
  const std::lock_guard lock(lock_);
  rotate_if_due_locked(now);
  if (std::ranges::equal(name, current_.name)) {
    return Opening{current_, false};
  }
  if (previous_ && std::ranges::equal(name, previous_->name)) {
    return Opening{*previous_, true};
  }
  return std::nullopt;
}

}  // namespace sk
