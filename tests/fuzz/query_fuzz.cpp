// Paths and query strings: the router and the readers behind it take any bytes.
#include "app/if_match.h"
#include "app/percent.h"
#include "app/query_reader.h"
#include "app/router.h"
#include "app/timestamp.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace query_fuzz {

struct Everything {
  std::optional<std::int64_t> number;
  std::optional<bool> flag;
  std::optional<double> real;
  std::optional<std::string> text;
  std::optional<sk::app::Timestamp> at;
  std::vector<std::uint16_t> many;
};
SK_FIELDS(Everything, number, flag, real, text, at, many)

void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}

const sk::app::Router& router() {
  static const sk::app::Router made = [] {
    sk::app::Router fresh;
    std::uint32_t handler = 0;
    for (const char* pattern : {"/", "/a", "/a/:x", "/a/:x/b", "/a/b/*rest", "/:p/:q/:r", "/%41"}) {
      require(fresh.add(sk::Method::get, pattern, handler++).has_value());
    }
    return fresh;
  }();
  return made;
}

}  // namespace query_fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace query_fuzz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);

  Everything everything;
  std::vector<sk::app::FieldError> errors;
  require(sk::app::read_query(text, 0, everything, errors) == errors.empty());
  require(errors.size() <= sk::app::kFieldErrorsMax);
  for (const sk::app::FieldError& error : errors) {
    require(*error.position <= size);
  }

  const sk::app::Match match = router().match(sk::Method::get, text);
  for (std::size_t i = 0; i < match.params.count; ++i) {
    const std::string_view value = match.params.values[i];
    require(value.data() >= text.data() && value.data() + value.size() <= text.data() + size);
    require(!value.empty());
  }

  std::string encoded;
  sk::app::percent_encode(encoded, text);
  std::string decoded;
  require(sk::app::percent_decode(decoded, encoded, sk::app::PlusSign::literal) && decoded == text);
  static_cast<void>(sk::app::parse_entity_tags(text));
  const auto time = sk::app::parse_timestamp(text);
  if (time) {
    char again[sk::app::kTimestampBytesMax];
    const std::size_t bytes = sk::app::format_timestamp(again, *time);
    require(sk::app::parse_timestamp(std::string_view(again, bytes)) == time || bytes != 27);
  }
  return 0;
}
