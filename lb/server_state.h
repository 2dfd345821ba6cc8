// ServerState: the few facts about the whole server that every thread may ask for.
#pragma once

#include <atomic>
#include <cstdint>

namespace sk::lb {

struct ServerState {
  // SIGTERM came: health says 503, answers carry Connection: close.
  std::atomic<bool> draining{false};
  // Client connections open now, of all listeners.
  std::atomic<std::uint32_t> connections{0};
};

}  // namespace sk::lb
