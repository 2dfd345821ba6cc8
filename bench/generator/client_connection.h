// ClientConnection: one keep-alive HTTP/1.1 connection of the generator, one request at a time.
//
// Driven by callbacks, not by a coroutine per request: at saturation the generator has about 16 us
// for everything a request needs, and what is waited for is one answer. The answer is parsed by
// net/http's strict parser, the same that the balancer reads its endpoints with.
//
// The owner is told once per request: answered() or broken(). An idle connection that the peer ends
// is told as broken() with busy() false. Inside these calls the owner may send() the next request
// if reusable(), but must not destroy the connection: close() is awaited outside of them.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/http/h1_parser.h"
#include "net/io/timer_wheel.h"
#include "net/io/transport.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace sk::bench {

struct IdleTag {};

// What a request got; views are valid during answered() only.
struct Answer {
  const ResponseHead& head;
  std::string_view body;         // its first bytes, as many as send() asked to keep
  std::uint64_t body_bytes = 0;  // all that came
};

class ClientConnection final : public ListHook<IdleTag>, private TimerNode {
 public:
  class Owner {
   public:
    virtual void answered(ClientConnection& connection, const Answer& answer) = 0;
    // Error: closed, reset, malformed (not HTTP), timeout. Nothing can be sent any more.
    virtual void broken(ClientConnection& connection, const Error& error) = 0;

   protected:
    ~Owner() = default;
  };

  // transport: connected, past its handshake. limits and owner must outlive the connection.
  ClientConnection(std::unique_ptr<Transport> transport, const H1Limits& limits, Owner& owner);
  ~ClientConnection() = default;  // close() must have been awaited

  // Begins to listen, so that a peer that leaves an idle connection is noticed.
  void start();

  // Sends at the end of the loop's turn. Only while reusable(). keep_body_bytes: how much of the
  // answer's body answered() is to be given. timeout: from now, to the answer's last byte.
  void send(std::string_view request, Method method, std::size_t keep_body_bytes, Duration timeout);

  [[nodiscard]] bool busy() const { return busy_; }
  [[nodiscard]] bool reusable() const { return !busy_ && !over_; }
  // Requests sent before the one in flight: a fresh connection has none.
  [[nodiscard]] std::uint64_t requests_before() const { return requests_ - (busy_ ? 1 : 0); }
  // Not one byte of the answer in flight has come.
  [[nodiscard]] bool answer_begun() const { return busy_ && !parser_.idle(); }

  // For the owner: which of its requests is in flight.
  std::size_t slot = 0;

  [[nodiscard]] Task<void> close();

 private:
  static void activity(void* self, Transport::Activity what);
  static void timed_out(TimerNode& timer);
  void read();
  void parse(std::string_view bytes);
  void ended();
  void answer_complete(bool surplus);
  void end_with(const Error& error);

  std::unique_ptr<Transport> transport_;
  Owner& owner_;
  H1ResponseParser parser_;
  ResponseHead head_;
  std::string body_;
  std::size_t keep_body_bytes_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t requests_ = 0;
  std::uint32_t interim_ = 0;
  Method method_ = Method::get;
  bool busy_ = false;
  bool over_ = false;  // nothing more can be sent
  bool closing_ = false;
};

}  // namespace sk::bench
