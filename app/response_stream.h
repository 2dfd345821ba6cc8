// ResponseStream is what a streaming handler writes its body to.
#pragma once

#include "net/http/exchange.h"

#include <string_view>

namespace sk::app {

class ResponseStream {
 public:
  explicit ResponseStream(Exchange& exchange) : exchange_(exchange) {}
  ResponseStream(const ResponseStream&) = delete;
  ResponseStream& operator=(const ResponseStream&) = delete;

  // Hands bytes (copied) to the connection; waits while it has no room, so that a slow client slows
  // the handler instead of filling memory. Error: the client is gone, or the scope's reason.
  [[nodiscard]] Task<Result<void>> write(std::string_view bytes);

  // The same for bytes that live for the whole program: not copied.
  [[nodiscard]] Task<Result<void>> write_static(std::string_view bytes);

  [[nodiscard]] CancelScope& scope() { return exchange_.scope(); }

 private:
  Exchange& exchange_;
};

}  // namespace sk::app
