// Any bytes on an HTTP/1.1 connection: what comes of them does not depend on how they are cut, and
// every request that would be forwarded parses again to the identical request.

#include "net/core/assert.h"

#include "tests/net/http/h1_replay.h"

#include <cstddef>
#include <cstdint>

namespace {

using sk::test::Forwarded;
using sk::test::replay;
using sk::test::Replay;

void check_cuts(std::string_view input, const Replay& whole) {
  const std::size_t size = input.size();
  if (size < 2) {
    return;
  }
  for (const std::size_t cut : {size / 2, size / 3 + 1, size - 1, std::size_t{1}}) {
    SK_ASSERT(replay(input, {cut}, true) == whole);
  }
  if (size <= 2048) {
    std::vector<std::size_t> cuts;
    for (std::size_t i = 1; i < size; ++i) {
      cuts.push_back(i);
    }
    SK_ASSERT(replay(input, cuts, true) == whole);
  }
}

void check_forwarded(const Forwarded& request) {
  if (!request.complete) {
    return;
  }
  const Replay again = replay(request.bytes, {}, true, {}, false);
  SK_ASSERT(again.status == 0);
  SK_ASSERT(again.requests.size() == 1);
  SK_ASSERT(again.requests[0].complete);
  SK_ASSERT(again.requests[0].bytes == request.bytes);
  SK_ASSERT(again.requests[0].target == request.target);
  SK_ASSERT(again.requests[0].body == request.body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const Replay whole = replay(input, {}, true);
  SK_ASSERT(whole.serialiser_error.empty());
  check_cuts(input, whole);
  for (const Forwarded& request : whole.requests) {
    check_forwarded(request);
  }
  return 0;
}
