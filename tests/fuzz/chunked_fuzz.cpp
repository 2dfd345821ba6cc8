// Any bytes as a chunked body: the outcome does not depend on how they are cut, the limits hold,
// and what was decoded is decoded again from what we would write.

#include "net/core/assert.h"
#include "net/http/chunked_decoder.h"
#include "net/http/h1_serialiser.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace sk;

struct Outcome {
  std::string body;
  std::string trailers;
  std::string error;
  std::size_t consumed = 0;
  bool ended = false;

  friend bool operator==(const Outcome&, const Outcome&) = default;
};

constexpr std::uint64_t kBodyMax = 4096;

Outcome decode(std::string_view input, std::size_t step_bytes, Fields& trailers) {
  const H1Limits limits;
  ChunkedDecoder decoder;
  decoder.begin(limits, kBodyMax, trailers);
  Outcome outcome;
  while (!outcome.ended && outcome.error.empty() && !input.empty()) {
    std::string_view piece = input.substr(0, step_bytes);
    input.remove_prefix(piece.size());
    while (true) {
      const ChunkedDecoder::Step step = decoder.feed(piece);
      piece.remove_prefix(step.consumed);
      outcome.consumed += step.consumed;
      outcome.body.append(step.data);
      if (step.event == ChunkedDecoder::Event::need_more) {
        SK_ASSERT(piece.empty());
        break;
      }
      if (step.event == ChunkedDecoder::Event::end) {
        outcome.ended = true;
        break;
      }
      if (step.event == ChunkedDecoder::Event::error) {
        outcome.error = decoder.error().reason;
        break;
      }
    }
  }
  SK_ASSERT(outcome.body.size() <= kBodyMax);
  for (const HeaderField& field : trailers) {
    outcome.trailers.append(field.name()).append(": ").append(field.value()).append("\n");
  }
  return outcome;
}

void check_written_again(const Outcome& outcome, const Fields& trailers) {
  BufferPool pool(8);
  OutputQueue out(pool);
  write_chunk(out, copy_to_slice(pool, outcome.body));
  write_last_chunk(out, trailers);
  std::string text;
  while (!out.empty()) {
    text.append(out.front());
    out.consume(out.front().size());
  }
  Fields again_trailers;
  const Outcome again = decode(text, text.size(), again_trailers);
  SK_ASSERT(again.ended);
  SK_ASSERT(again.body == outcome.body);
  SK_ASSERT(again.trailers == outcome.trailers);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Fields trailers;
  const Outcome whole = decode(input, std::max<std::size_t>(size, 1), trailers);
  for (const std::size_t step : {std::size_t{1}, std::size_t{2}, std::size_t{7}}) {
    Fields ignored;
    SK_ASSERT(decode(input, step, ignored) == whole);
  }
  if (whole.ended) {
    check_written_again(whole, trailers);
  }
  return 0;
}
