// TicketKeys: what session tickets are sealed with; one object for all threads.
//
// A ticket sealed on one loop is opened on any other. A key seals for one rotation interval and
// opens for one more; then it is wiped, and with it the possibility to read recorded sessions that
// were resumed from its tickets. Keys live in memory only: after a restart clients make a full
// handshake once.
//
// All functions may be called on any thread. They hold a lock for the time of a copy of 200 bytes,
// and only during handshakes.
#pragma once

#include "net/core/time.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>

namespace sk {

struct TicketKey {
  TicketKey() = default;
  TicketKey(const TicketKey&) = default;
  TicketKey& operator=(const TicketKey&) = default;
  ~TicketKey();  // wipes

  static constexpr std::size_t kNameBytes = 16;

  std::array<unsigned char, kNameBytes> name{};  // travels in the ticket in clear
  std::array<unsigned char, 32> cipher{};
  std::array<unsigned char, 32> mac{};
  Instant made{};
};

class TicketKeys {
 public:
  static constexpr std::chrono::hours kRotation{12};

  explicit TicketKeys(Instant now = std::chrono::steady_clock::now(),
                      Duration rotation = kRotation);
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // The key to seal with. Rotates first if that is due.
  [[nodiscard]] TicketKey sealing(Instant now);

  struct Opening {
    TicketKey key;
    bool renew = false;  // sealed with the previous key: give the client a new ticket
  };
  // The key of that name, if it may still open. Rotates first if that is due.
  [[nodiscard]] std::optional<Opening> opening(std::span<const unsigned char> name, Instant now);

  // Wipes keys whose time is over even when no client comes; to be called now and then.
  void rotate_if_due(Instant now);
  // Makes a new key now; the one before the previous is wiped.
  void rotate(Instant now);

 private:
  void rotate_if_due_locked(Instant now);

  const Duration rotation_;
  std::mutex lock_;
  TicketKey current_;                  // guarded by lock_
  std::optional<TicketKey> previous_;  // guarded by lock_
};

}  // namespace sk
