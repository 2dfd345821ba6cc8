// If-Match and If-None-Match (RFC 9110 13.1) for resources whose ETag is a version number: "7".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sk::app {

struct EntityTags {
  bool any = false;                    // "*"
  std::vector<std::int64_t> versions;  // strong tags that are version numbers; others fit nothing
  std::vector<std::int64_t> weak;      // W/"7": count in If-None-Match only

  // If-Match compares strongly.
  [[nodiscard]] bool strongly_match(std::int64_t version) const;
  // If-None-Match compares weakly.
  [[nodiscard]] bool weakly_match(std::int64_t version) const;
};

// Reads the value of the field; what is no list of tags yields tags that match nothing.
[[nodiscard]] EntityTags parse_entity_tags(std::string_view value);

// "7" with its quotes.
[[nodiscard]] std::string etag_of(std::int64_t version);

}  // namespace sk::app
