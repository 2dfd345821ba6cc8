#include "app/if_match.h"

#include "net/http/ascii.h"

#include "app/scalar_text.h"

#include <algorithm>

namespace sk::app {

bool EntityTags::strongly_match(std::int64_t version) const {
  return any || std::ranges::find(versions, version) != versions.end();
}

bool EntityTags::weakly_match(std::int64_t version) const {
  return strongly_match(version) || std::ranges::find(weak, version) != weak.end();
}

EntityTags parse_entity_tags(std::string_view value) {
  EntityTags tags;
  if (trim_ows(value) == "*") {
    tags.any = true;
    return tags;
  }
  // Our own tags hold no commas; one that does is not ours and fits nothing either way.
  ListReader list(value);
  std::string_view tag;
  while (list.next(tag)) {
    const bool weak = tag.starts_with("W/");
    if (weak) {
      tag.remove_prefix(2);
    }
    if (tag.size() < 3 || tag.front() != '"' || tag.back() != '"') {
      continue;
    }
    const auto version = parse_scalar<std::int64_t>(tag.substr(1, tag.size() - 2));
    if (version) {
      (weak ? tags.weak : tags.versions).push_back(*version);
    }
  }
  return tags;
}

std::string etag_of(std::int64_t version) { return '"' + std::to_string(version) + '"'; }

}  // namespace sk::app
