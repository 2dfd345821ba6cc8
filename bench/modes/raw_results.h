// RawResults: every single request of an invocation, in a compact file (--record).
//
// The file begins with the eight bytes "SKBENCH1". Then follow records, each a byte that says what
// it is and fields that are numbers or texts. A number is LEB128: seven bits per byte, lowest
// first, the top bit set in all but the last. A text is its length, a number, and its bytes
// (UTF-8).
//
//   'R' route    index, name, method, path            before the first request of that route
//   'S' stage    index, name                          before the first request that has it
//   'B' begin    run                                  the requests that follow are of this run
//   'Q' request  route, intended_ns (since the run's start), latency_ns, lag_ns, status (0: none),
//                failure (0: right; else 1 + its place in bench/report/model.h's Failure),
//                number of stages, and of each: stage, duration_ns
//
// Requests stand in the order in which they ended. bench/record.py reads it and prints lines of
// tab-separated values.
#pragma once

#include "net/core/result.h"
#include "net/core/time.h"

#include "bench/report/route_recorder.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sk::bench {

class RawResults {
 public:
  // Replaces a file of that name. The Error's detail is the step, its sys_errno the reason.
  [[nodiscard]] static Result<std::unique_ptr<RawResults>> create(const std::string& path);
  ~RawResults();
  RawResults(const RawResults&) = delete;
  RawResults& operator=(const RawResults&) = delete;

  void add_route(std::uint32_t index, std::string_view name, std::string_view method,
                 std::string_view path);
  void begin_run(std::uint32_t run);
  void write(std::uint32_t route, const RequestEnding& ending, Duration lag);

  // False if something could not be written: the file is not whole then.
  [[nodiscard]] bool finish();

 private:
  explicit RawResults(std::FILE* file);

  void put(char kind);
  void put(std::uint64_t number);
  void put(std::string_view text);
  std::uint32_t stage_index(std::string_view name);

  std::FILE* file_;
  std::string record_;  // the one being made
  std::vector<std::string> stages_;
};

}  // namespace sk::bench
