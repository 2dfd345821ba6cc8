#include "net/http/transport_input.h"

namespace sk {

TransportInput::State TransportInput::poll() {
  if (!bytes_.empty()) {
    return State::bytes;
  }
  if (!transport_.readable()) {
    return State::wait;
  }
  Result<Slice> taken = transport_.take();
  if (!taken) {
    error_ = taken.error();
    error_.origin = origin_;
    return State::broken;
  }
  if (taken->empty()) {
    return State::end;
  }
  bytes_ = std::move(*taken);
  return State::bytes;
}

void TransportInput::use_up(std::size_t bytes) {
  bytes_.remove_prefix(bytes);
  if (bytes_.empty()) {
    bytes_.reset();
  }
}

}  // namespace sk
