// H1Exchange: the exchange of an HTTP/1.1 connection, used again for each of its requests.
//
// Part of h1_server; H1Connection drives it. It owns the connection's input: the parser and what
// was received but not parsed yet. The request body is parsed when the handler reads it, straight
// from the transport's read-ahead; nothing else reads it, so a handler that does not read holds the
// client back.
#pragma once

#include "net/http/exchange.h"
#include "net/http/h1_parser.h"
#include "net/http/h1_server.h"
#include "net/http/transport_input.h"
#include "net/io/timer_wheel.h"
#include "net/io/transport.h"

#include <optional>
#include <string_view>

namespace sk {

class H1Exchange final : public Exchange {
 public:
  H1Exchange(H1Server& server, Transport& transport);

  // --- Exchange ---
  [[nodiscard]] BodyReader& request_body() override { return reader_; }
  void inform(const ResponseHead& head) override;
  [[nodiscard]] Result<void> respond(const ResponseHead& head, bool body) override;
  [[nodiscard]] BodyWriter& response_body() override { return writer_; }
  [[nodiscard]] Result<void> upgrade(const ResponseHead& head) override;
  void close_after() override { close_wanted_ = true; }

  // --- H1Connection: reading a head ---
  enum class Progress : std::uint8_t { wait, head, rejected, ended };
  // Ready for the next request of the connection.
  void await_request();
  // Takes what has been received and parses; `rejected`: rejection() says why.
  [[nodiscard]] Progress read_head();
  // True while not one byte of the next request was seen.
  [[nodiscard]] bool idle() const { return input_.empty() && parser_.idle(); }
  [[nodiscard]] const Reject& rejection() const { return rejection_; }
  // The head did not become complete in time.
  void time_out() { rejection_ = {408, "header_timeout"}; }
  // Forgets what was received and not parsed; how much it was.
  std::size_t drop_input() { return input_.take().size(); }

  // --- H1Connection: around the handler ---
  // may_continue: false where this must be the connection's last request.
  void start(CancelScope& parent, bool may_continue);
  // The downstream is gone: whatever waits for it stops.
  void abandon(ErrorCode reason);
  // The handler has returned: completes what it left open. failed: it ended with an exception.
  void settle(bool failed);
  // After settle(): forgets the request. The exchange object stays.
  void finish() { end(); }

  // --- H1Connection: afterwards ---
  // The response was cut short: the client must see that.
  [[nodiscard]] bool aborted() const { return aborted_; }
  // The response lets the connection go on (the request's body still may not).
  [[nodiscard]] bool keep_alive() const { return keep_alive_ && !aborted_ && !tunnel_; }
  [[nodiscard]] bool request_complete() const { return body_state_ == BodyState::done; }
  // Reads and drops the rest of the request's body, at most linger_bytes; true when it is complete.
  [[nodiscard]] Task<bool> drop_request_body(CancelScope& scope, Instant until);

  // Answers a request that was refused, or 408; the connection ends after it.
  void write_rejection(const Reject& why);

 private:
  enum class BodyState : std::uint8_t { reading, done, failed };

  class Reader final : public BodyReader {
   public:
    explicit Reader(H1Exchange& exchange) : exchange_(exchange) {}
    [[nodiscard]] std::optional<Result<Slice>> try_read() override { return exchange_.read_body(); }
    [[nodiscard]] Event& readable() override { return exchange_.transport_.input_event(); }
    [[nodiscard]] const Fields& trailers() const override { return exchange_.parser_.trailers(); }
    // What still comes is dropped after the exchange, within bounds, or the connection closes.
    void stop() override {}

   private:
    H1Exchange& exchange_;
  };

  class Writer final : public BodyWriter {
   public:
    explicit Writer(H1Exchange& exchange) : exchange_(exchange) {}
    void write(Slice bytes) override { exchange_.write_body(std::move(bytes)); }
    [[nodiscard]] bool writable() const override;
    [[nodiscard]] Event& writable_event() override { return exchange_.transport_.output_event(); }
    [[nodiscard]] const std::optional<Error>& broken() const override {
      return exchange_.transport_.broken();
    }
    void finish(const Fields& trailers) override { exchange_.finish_body(trailers); }
    using BodyWriter::finish;
    void reset(ErrorCode reason) override;

   private:
    H1Exchange& exchange_;
  };

  // Fires when a handler has waited too long for a body that does not come.
  struct BodyTimer final : TimerNode {
    explicit BodyTimer(H1Exchange& owner) : TimerNode(fired), exchange(owner) {}
    static void fired(TimerNode& timer);
    H1Exchange& exchange;
  };

  std::optional<Result<Slice>> read_body();
  std::optional<Result<Slice>> read_tunnel();
  std::optional<Result<Slice>> fail_body(ErrorCode code, const char* reason);
  void wait_for_body();
  void body_came(std::size_t bytes);
  void send_continue();
  [[nodiscard]] bool request_may_be_dropped() const;

  void write_body(Slice bytes);
  void finish_body(const Fields& trailers);
  void answer_for_handler(bool failed);
  void write_own_response(std::uint16_t status, std::string_view detail);

  H1Server& server_;
  Transport& transport_;
  H1RequestParser parser_;
  TransportInput input_;
  Reader reader_;
  Writer writer_;
  BodyTimer body_timer_;

  // of the request
  BodyState body_state_ = BodyState::done;
  Error body_error_;
  Reject rejection_;
  bool continue_owed_ = false;  // the client waits for 100 and has sent nothing of the body
  Instant wait_began_ = kNever;
  Duration waited_{};  // for the bytes of the current window
  std::uint64_t window_bytes_ = 0;

  // of the response
  Framing response_framing_;
  std::uint64_t response_left_ = 0;
  bool may_continue_ = false;
  bool keep_alive_ = false;
  bool close_wanted_ = false;
  bool response_done_ = false;
  bool aborted_ = false;
  bool tunnel_ = false;
};

}  // namespace sk
