#include "app/query_reader.h"

#include <algorithm>

namespace sk::app {

QueryPairs::Step QueryPairs::next(QueryPair& out) {
  while (at_ < query_.size()) {
    const std::size_t start = at_;
    const std::size_t end = std::min(query_.find('&', start), query_.size());
    at_ = end + 1;
    const std::string_view pair = query_.substr(start, end - start);
    if (pair.empty()) {
      continue;
    }
    const std::size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    const std::string_view value =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    out.name.clear();
    out.value.clear();
    out.offset = start + (equals == std::string_view::npos ? pair.size() : equals + 1);
    if (!percent_decode(out.name, name, PlusSign::space) ||
        !percent_decode(out.value, value, PlusSign::space)) {
      out.name = name;
      out.offset = start;
      return Step::broken;
    }
    return Step::pair;
  }
  return Step::end;
}

}  // namespace sk::app
