// An HTTP/1.1 connection without a socket: bytes go through the request parser, and every request
// comes out as the serialiser would forward it. Shared by the case tests and the fuzz target.
#pragma once

#include "net/core/buffer.h"
#include "net/core/output_queue.h"
#include "net/http/h1_parser.h"
#include "net/http/h1_serialiser.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sk::test {

struct Forwarded {
  std::string bytes;   // what goes upstream: head, body framed anew; cut short if not complete
  std::string target;  // path[?query]
  std::string body;
  bool complete = false;
  bool expect_continue = false;

  friend bool operator==(const Forwarded&, const Forwarded&) = default;
};

struct Replay {
  std::vector<Forwarded> requests;
  std::uint16_t status = 0;  // of the refusal that ended the connection; 0: none
  std::string reason;
  bool open = false;     // more could come: neither refused nor told to close
  bool waiting = false;  // open, in the middle of a message
  std::string serialiser_error;

  friend bool operator==(const Replay&, const Replay&) = default;
};

inline std::string drain(OutputQueue& queue) {
  std::string out;
  while (!queue.empty()) {
    const std::string_view piece = queue.front();
    out.append(piece);
    queue.consume(piece.size());
  }
  return out;
}

class H1Replayer {
 public:
  explicit H1Replayer(const H1Limits& limits, bool forwarding = true)
      : parser_(limits), forwarding_(forwarding) {
    parser_.begin(head_);
    result_.open = true;
  }

  void feed(std::string_view input) {
    while (result_.open) {
      const H1Step step = parser_.feed(input);
      input.remove_prefix(step.consumed);
      switch (step.event) {
        case H1Event::need_more:
          if (!input.empty()) {
            throw std::logic_error("need_more with input left");
          }
          return;
        case H1Event::head:
          begin_request();
          break;
        case H1Event::body:
          result_.requests.back().body.append(step.body);
          break;
        case H1Event::end:
          end_request();
          break;
        case H1Event::error:
          refuse();
          return;
      }
    }
  }

  Replay finish(bool half_close) {
    if (result_.open) {
      result_.waiting = !parser_.idle();
      if (half_close && parser_.finish().event == H1Event::error) {
        refuse();
      }
    }
    return result_;
  }

 private:
  void refuse() {
    result_.open = false;
    result_.status = parser_.error().status;
    result_.reason = parser_.error().reason;
  }

  void begin_request() {
    if (forwarding_) {
      apply_forwarding(head_, {.address = "127.0.0.1", .trusted = false});
    }
    Forwarded request;
    request.target = std::string(head_.path);
    if (head_.has_query) {
      request.target.append("?").append(head_.query);
    }
    request.expect_continue = parser_.connection().expect_continue;
    write_head(request, parser_.framing().kind == BodyKind::length
                            ? std::optional(parser_.framing().length)
                            : std::nullopt);
    result_.requests.push_back(std::move(request));
  }

  void write_head(Forwarded& request, std::optional<std::uint64_t> length) {
    BufferPool pool(8);
    OutputQueue out(pool);
    framing_ = outgoing_request_framing(head_.method, !parser_.framing().empty(), length);
    if (const Result<void> written = write_request_head(out, head_, {.framing = framing_});
        !written) {
      result_.serialiser_error = written.error().detail;
    }
    request.bytes = drain(out);
  }

  void end_request() {
    Forwarded& request = result_.requests.back();
    BufferPool pool(8);
    OutputQueue out(pool);
    if (framing_.kind == BodyKind::chunked) {
      // One chunk: where the input was cut must not show.
      if (!request.body.empty()) {
        std::string_view rest = request.body;
        while (!rest.empty()) {
          const std::string_view part = rest.substr(0, kBufferBytes);
          write_chunk(out, copy_to_slice(pool, part));
          rest.remove_prefix(part.size());
        }
      }
      write_last_chunk(out, parser_.trailers());
    } else {
      out.append_copy(request.body);
    }
    request.bytes += drain(out);
    request.complete = true;
    if (!parser_.connection().keep_alive) {
      result_.open = false;
      return;
    }
    parser_.begin(head_);
  }

  RequestHead head_;
  H1RequestParser parser_;
  Framing framing_;
  bool forwarding_;
  Replay result_;
};

inline Replay replay(std::string_view input, const std::vector<std::size_t>& cuts, bool half_close,
                     const H1Limits& limits = {}, bool forwarding = true) {
  H1Replayer replayer(limits, forwarding);
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    replayer.feed(input.substr(from, cut - from));
    from = cut;
  }
  replayer.feed(input.substr(from));
  return replayer.finish(half_close);
}

}  // namespace sk::test
