// MemoryExchange: an exchange without a connection, for tests of handlers. The request is set by
// the test, the response is kept as text.
#pragma once

#include "net/http/exchange.h"
#include "net/io/loop.h"

#include <deque>
#include <string>
#include <string_view>

namespace sk::app::test {

class MemoryBodyReader final : public BodyReader {
 public:
  explicit MemoryBodyReader(Loop& loop) : loop_(loop), readable_(loop) {}

  std::optional<Result<Slice>> try_read() override {
    if (!pieces_.empty()) {
      Slice slice = copy_to_slice(loop_.buffers(), pieces_.front());
      pieces_.pop_front();
      return Result<Slice>(std::move(slice));
    }
    if (broken_) {
      return Result<Slice>(fail(ErrorCode::reset, "the client left"));
    }
    if (!ended_) {
      return std::nullopt;
    }
    return Result<Slice>(Slice());
  }
  Event& readable() override { return readable_; }
  const Fields& trailers() const override { return trailers_; }
  void stop() override { stopped_ = true; }

  std::deque<std::string> pieces_;
  bool ended_ = true;
  bool broken_ = false;
  bool stopped_ = false;

 private:
  Loop& loop_;
  Event readable_;
  Fields trailers_;
};

class MemoryBodyWriter final : public BodyWriter {
 public:
  explicit MemoryBodyWriter(Loop& loop) : writable_(loop) {}

  void write(Slice bytes) override { text_ += bytes.view(); }
  bool writable() const override { return room_; }
  Event& writable_event() override { return writable_; }
  const std::optional<Error>& broken() const override { return broken_; }
  using BodyWriter::finish;
  void finish(const Fields&) override { finished_ = true; }
  void reset(ErrorCode reason) override { reset_ = reason; }

  std::string text_;
  bool room_ = true;
  bool finished_ = false;
  std::optional<ErrorCode> reset_;
  std::optional<Error> broken_;

 private:
  Event writable_;
};

class MemoryExchange final : public Exchange {
 public:
  MemoryExchange(Loop& loop, CancelScope& parent) : Exchange(loop), in(loop), out(loop) {
    begin(parent);
    id = RequestId("test_1");
  }

  // target: path and query. The texts must outlive the exchange.
  void ask(Method method, std::string_view target) {
    request.set_method(method);
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    request.has_query = mark != std::string_view::npos;
    request.query = request.has_query ? target.substr(mark + 1) : std::string_view();
  }
  void send(std::string body) {
    has_request_body_ = true;
    request.content_length = body.size();
    in.pieces_.push_back(std::move(body));
  }

  BodyReader& request_body() override { return in; }
  void inform(const ResponseHead&) override {}
  Result<void> respond(const ResponseHead& head, bool body) override {
    for (const auto& field : head.fields) {
      for (const char c : field.value()) {
        if (c == '\n' || c == '\r') {
          return fail(ErrorCode::malformed, "a field value has a line break");
        }
      }
      fields += std::string(field.name()) + ": " + std::string(field.value()) + "\n";
    }
    status_ = head.status;
    declared = head.content_length;
    body_follows = body;
    return {};
  }
  BodyWriter& response_body() override { return out; }
  Result<void> upgrade(const ResponseHead&) override { return fail(ErrorCode::unsupported); }
  void close_after() override {}

  MemoryBodyReader in;
  MemoryBodyWriter out;
  std::string fields;  // "Name: value\n" each
  std::optional<std::uint64_t> declared;
  bool body_follows = false;
};

}  // namespace sk::app::test
