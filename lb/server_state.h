// ServerState: the few facts about the whole server that every thread may ask for.
#pragma once

#include <atomic>

namespace sk::lb {

struct ServerState {
  // SIGTERM came: health says 503, answers carry Connection: close.
  std::atomic<bool> draining{false};
};

}  // namespace sk::lb
