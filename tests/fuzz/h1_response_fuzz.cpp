// Any bytes from an endpoint: the outcome does not depend on how they are cut, body lengths keep to
// their framing, and a head that was accepted can be written to a client.

#include "net/core/assert.h"
#include "net/http/h1_parser.h"
#include "net/http/h1_serialiser.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace sk;

struct Outcome {
  std::vector<std::string> heads;
  std::string body;
  std::string error;
  std::size_t consumed = 0;
  bool ended = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

std::string written(const ResponseHead& head, const Framing& framing) {
  BufferPool pool(4);
  OutputQueue out(pool);
  const bool interim = head.informational() && head.status != 101;
  const Result<void> ok = interim ? write_informational(out, head)
                                  : write_response_head(out, head, {.framing = framing});
  SK_ASSERT(ok.has_value());
  std::string text;
  while (!out.empty()) {
    text.append(out.front());
    out.consume(out.front().size());
  }
  return text;
}

Outcome parse(std::string_view input, Method method, const std::vector<std::size_t>& cuts) {
  const H1Limits limits;
  H1ResponseParser parser(limits);
  ResponseHead head;
  Outcome outcome;
  parser.begin(head, method);
  std::size_t from = 0;
  for (std::size_t i = 0; i <= cuts.size(); ++i) {
    const std::size_t to = i < cuts.size() ? cuts[i] : input.size();
    std::string_view piece = input.substr(from, to - from);
    from = to;
    while (true) {
      const H1Step step = parser.feed(piece);
      piece.remove_prefix(step.consumed);
      outcome.consumed += step.consumed;
      if (step.event == H1Event::need_more) {
        SK_ASSERT(piece.empty());
        break;
      }
      if (step.event == H1Event::error) {
        outcome.error = parser.error().reason;
        SK_ASSERT(parser.error().status == 502);
        return outcome;
      }
      if (step.event == H1Event::body) {
        SK_ASSERT(!step.body.empty());
        outcome.body.append(step.body);
      } else if (step.event == H1Event::head) {
        outcome.heads.push_back(written(head, parser.framing()));
      } else {
        if (!head.informational() || head.status == 101) {
          outcome.ended = true;
          return outcome;
        }
        parser.begin(head, method);
      }
    }
  }
  const H1Step last = parser.finish();
  outcome.ended = last.event == H1Event::end;
  if (last.event == H1Event::error) {
    outcome.error = parser.error().reason;
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const Method method : {Method::get, Method::head}) {
    const Outcome whole = parse(input, method, {});
    if (size >= 2) {
      for (const std::size_t cut : {size / 2, size / 3 + 1, size - 1, std::size_t{1}}) {
        SK_ASSERT(parse(input, method, {cut}) == whole);
      }
    }
    if (size >= 2 && size <= 2048) {
      std::vector<std::size_t> cuts;
      for (std::size_t i = 1; i < size; ++i) {
        cuts.push_back(i);
      }
      SK_ASSERT(parse(input, method, cuts) == whole);
    }
  }
  return 0;
}
