// RawJson is a piece of JSON kept as text: it is written as it is, and read as it came (checked to
// be valid JSON, at most kJsonDepthMax deep). For documents whose shape is not ours, such as a
// jsonb column.
#pragma once

#include <string>

namespace sk::app {

struct RawJson {
  std::string text = "null";

  friend bool operator==(const RawJson&, const RawJson&) = default;
};

}  // namespace sk::app
