#include "net/http/h1_client.h"

#include "net/core/assert.h"
#include "net/http/h1_client_stream.h"

#include <utility>

namespace sk {

H1ClientConnection::H1ClientConnection(std::unique_ptr<Transport> transport,
                                       const H1ClientConfig& config, std::string authority,
                                       H1ClientOwner& owner)
    : transport_(std::move(transport)),
      config_(config),
      authority_(std::move(authority)),
      owner_(owner),
      stream_(std::make_unique<H1ClientStream>(*this)) {
  transport_->start();
}

H1ClientConnection::~H1ClientConnection() { SK_ASSERT(!stream_->is_open()); }

bool H1ClientConnection::reusable() const {
  return !stream_->is_open() && !transport_->broken() && !transport_->readable() &&
         (requests_ == 0 || (stream_->clean() && transport_->unsent() == 0));
}

UpstreamStreamPtr H1ClientConnection::open_stream() {
  SK_ASSERT(!stream_->is_open());
  stream_->open();
  return UpstreamStreamPtr(stream_.get());
}

Task<void> H1ClientConnection::close() {
  SK_ASSERT(!stream_->is_open());
  co_await transport_->close();
}

}  // namespace sk
