// ProgressLine: what a run is doing, on stderr, while it does it.
//
// On a terminal one line that is written over twice a second; elsewhere (a CI log) a line every ten
// seconds. Both end with a whole line.
#pragma once

#include "bench/generator/open_loop.h"

#include <string>

namespace sk::bench {

class ProgressLine {
 public:
  explicit ProgressLine(std::string label);
  [[nodiscard]] Duration interval() const;
  void show(const Progress& progress);
  // Clears the line of a terminal.
  void finish();

 private:
  std::string label_;
  bool terminal_;
  bool shown_ = false;
};

}  // namespace sk::bench
