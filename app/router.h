// Router finds the handler of a request by method and path.
//
//   /v1/items            literal segments
//   /v1/items/:id        one segment, not empty, as a parameter
//   /files/*path         the rest of the path, at least one byte, as the last parameter
//
// Where several patterns fit, the one with a literal in the earliest differing segment wins, then
// ":name", then "*name": registration order plays no part. A trailing slash matters. Literals match
// percent-decoded; parameters are handed out as they came (decode with percent.h).
//
// add() is for start-up; match() may be called on any thread afterwards and allocates nothing.
#pragma once

#include "net/http/head.h"

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sk::app {

inline constexpr std::size_t kPathParamsMax = 8;
inline constexpr std::size_t kMethodCount = static_cast<std::size_t>(Method::trace) + 1;

// Raw values of a match's parameters, in the order of the pattern. The bytes are the path's.
struct PathParams {
  std::array<std::string_view, kPathParamsMax> values;
  std::size_t count = 0;
};

enum class MatchKind : std::uint8_t { found, no_path, no_method };

struct Match {
  MatchKind kind = MatchKind::no_path;
  std::uint32_t handler = 0;     // found: what add() was given
  std::uint32_t pattern_id = 0;  // found, no_method: index into patterns()
  PathParams params;
};

class Router {
 public:
  Router();

  // Registers handler for method and pattern; several methods may share a pattern. Returns the
  // pattern's id, or what is wrong with it as a sentence.
  std::expected<std::uint32_t, std::string> add(Method method, std::string_view pattern,
                                                std::uint32_t handler);

  // HEAD finds the GET handler where it has none of its own.
  [[nodiscard]] Match match(Method method, std::string_view path) const noexcept;

  // The patterns in order of registration; a pattern's id is its index.
  [[nodiscard]] const std::vector<std::string>& patterns() const { return patterns_; }
  // Names of a pattern's parameters, in order.
  [[nodiscard]] const std::vector<std::string>& param_names(std::uint32_t pattern_id) const {
    return param_names_[pattern_id];
  }
  // "GET, HEAD, POST": the value of Allow for a pattern.
  [[nodiscard]] const std::string& allow(std::uint32_t pattern_id) const {
    return allow_[pattern_id];
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;

  // A place in the tree: what may follow the segments that led here. Index 0 is the root.
  struct Node {
    std::vector<std::pair<std::string, std::uint32_t>> literals;
    std::uint32_t param = kNone;
    std::uint32_t rest = kNone;
    std::uint32_t pattern_id = kNone;  // set where a pattern ends here
    std::array<std::uint32_t, kMethodCount> handlers;
    Node() { handlers.fill(kNone); }
  };

  std::uint32_t new_node();
  std::uint32_t literal_child(std::uint32_t node, std::string_view segment);
  // The node where a pattern ends that fits path (without its leading '/'), or kNone.
  std::uint32_t find(std::uint32_t node, std::string_view path, PathParams& params) const noexcept;

  std::vector<Node> nodes_;
  std::vector<std::string> patterns_;
  std::vector<std::vector<std::string>> param_names_;
  std::vector<std::string> allow_;
};

}  // namespace sk::app
