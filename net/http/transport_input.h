// TransportInput: what a transport has received and nobody has parsed yet.
//
// Both ends of HTTP/1.1 parse the front of it and hand out parts of it as bodies without copying.
#pragma once

#include "net/core/buffer.h"
#include "net/core/result.h"
#include "net/io/transport.h"

#include <cstddef>
#include <string_view>
#include <utility>

namespace sk {

class TransportInput {
 public:
  enum class State : std::uint8_t { bytes, wait, end, broken };

  // origin: whose fault it is when the transport breaks. The transport outlives this.
  TransportInput(Transport& transport, ErrorOrigin origin)
      : transport_(transport), origin_(origin) {}

  // bytes: view() is not empty. wait: nothing now; the transport's input_event() tells when. end:
  // the peer's stream is over. broken: error() says why.
  [[nodiscard]] State poll();
  [[nodiscard]] const Error& error() const { return error_; }

  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  [[nodiscard]] std::string_view view() const { return bytes_.view(); }

  // A reference to a part of view().
  [[nodiscard]] Slice part(std::string_view inside) const {
    return bytes_.sub(static_cast<std::size_t>(inside.data() - bytes_.data()), inside.size());
  }
  // Drops bytes from the front; the buffer goes back when none are left.
  void use_up(std::size_t bytes);
  // All of it.
  [[nodiscard]] Slice take() { return std::exchange(bytes_, Slice()); }

 private:
  Transport& transport_;
  ErrorOrigin origin_;
  Slice bytes_;
  Error error_;
};

}  // namespace sk
