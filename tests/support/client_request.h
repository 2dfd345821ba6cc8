// ClientRequest: an exchange with the parts that UpstreamStream::send() reads, and no server behind
// it: what a proxy would hold while it talks to an endpoint.
#pragma once

#include "net/http/exchange.h"

#include <cstdlib>

namespace sk::test {

class ClientRequest final : public Exchange {
 public:
  explicit ClientRequest(Loop& loop, std::string_view path, Method method = Method::get)
      : Exchange(loop), root_(loop) {
    begin(root_);
    request.set_method(method);
    request.path = request.fields.arena().copy(path);
    request.authority = "example.com";
    id = RequestId("abc_1");
    remote = Peer{"203.0.113.9", 4711, true};
  }
  ~ClientRequest() override { end(); }
  BodyReader& request_body() override { std::abort(); }
  void inform(const ResponseHead&) override {}
  Result<void> respond(const ResponseHead&, bool) override { return {}; }
  BodyWriter& response_body() override { std::abort(); }
  Result<void> upgrade(const ResponseHead&) override { return {}; }
  void close_after() override {}

 private:
  CancelScope root_;
};

}  // namespace sk::test
