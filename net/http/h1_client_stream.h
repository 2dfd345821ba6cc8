// H1ClientStream: the UpstreamStream of an H1ClientConnection, used again for each of its requests.
#pragma once

#include "net/http/h1_client.h"
#include "net/http/h1_parser.h"
#include "net/http/transport_input.h"

#include <optional>

namespace sk {

class H1ClientStream final : public UpstreamStream {
 public:
  explicit H1ClientStream(H1ClientConnection& connection);

  // --- UpstreamStream ---
  [[nodiscard]] Result<void> send(const Exchange& exchange, bool body) override;
  [[nodiscard]] BodyWriter& request_body() override { return writer_; }
  [[nodiscard]] std::optional<Result<ResponseHead*>> try_head() override;
  [[nodiscard]] Event& head_event() override;
  [[nodiscard]] BodyReader& response_body() override { return reader_; }
  [[nodiscard]] bool has_response_body() const override;
  [[nodiscard]] bool take_back() override;
  void release() override;

  // --- H1ClientConnection ---
  void open();
  [[nodiscard]] bool is_open() const { return open_; }
  // The last exchange left the connection fit for another one.
  [[nodiscard]] bool clean() const;

 private:
  class Reader final : public BodyReader {
   public:
    explicit Reader(H1ClientStream& stream) : stream_(stream) {}
    [[nodiscard]] std::optional<Result<Slice>> try_read() override { return stream_.read_body(); }
    [[nodiscard]] Event& readable() override { return stream_.head_event(); }
    [[nodiscard]] const Fields& trailers() const override { return stream_.parser_.trailers(); }
    void stop() override { stream_.stop_body(); }

   private:
    H1ClientStream& stream_;
  };

  class Writer final : public BodyWriter {
   public:
    explicit Writer(H1ClientStream& stream) : stream_(stream) {}
    void write(Slice bytes) override { stream_.write_body(std::move(bytes)); }
    [[nodiscard]] bool writable() const override;
    [[nodiscard]] Event& writable_event() override;
    [[nodiscard]] const std::optional<Error>& broken() const override;
    void finish(const Fields& trailers) override { stream_.finish_body(trailers); }
    using BodyWriter::finish;
    void reset(ErrorCode reason) override;

   private:
    H1ClientStream& stream_;
  };

  enum class Phase : std::uint8_t {
    fresh,     // nothing sent
    head,      // waiting for a response head
    body,      // the final head was delivered, its body is not over
    complete,  // the response ended exactly at its framing
    tunnel,    // after 101
    failed,
  };

  Error fail_with(ErrorCode code, const char* reason);
  std::optional<Result<ResponseHead*>> head_done();
  void response_over();
  std::optional<Result<Slice>> read_body();
  std::optional<Result<Slice>> read_tunnel();
  void stop_body();
  void write_body(Slice bytes);
  void finish_body(const Fields& trailers);

  H1ClientConnection& connection_;
  Transport& transport_;
  H1ResponseParser parser_;
  ResponseHead head_;
  TransportInput input_;
  Reader reader_;
  Writer writer_;

  bool open_ = false;
  Phase phase_ = Phase::fresh;
  Error error_;
  Method method_ = Method::get;
  bool websocket_ = false;
  bool interim_pending_ = false;  // a 1xx was delivered; the next call begins the next head
  std::uint32_t interim_ = 0;

  Framing request_framing_;
  std::uint64_t request_left_ = 0;
  bool request_done_ = false;       // finish() came, with all that was declared
  std::optional<Error> write_end_;  // why writing makes no sense any more
};

}  // namespace sk
