// Reads a query string into a described struct.
//
//   struct Page { std::optional<std::int32_t> limit; std::optional<std::int64_t> after; };
//   SK_FIELDS(Page, limit, after)
//   SK_RULES(Page, (limit, range(1, 100)))
//
// Members are scalars (scalar_text.h), optional scalars, or vectors of scalars, which collect every
// occurrence of their name (?tag=a&tag=b). A scalar given twice, a missing one that is not optional
// and a broken percent triplet are errors. Names that are not fields are ignored, because the world
// adds its own to our links.
#pragma once

#include "app/field_error.h"
#include "app/json_reader.h"
#include "app/percent.h"
#include "app/rules.h"
#include "app/scalar_text.h"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace sk::app {

// One "name=value" of a query string, decoded.
struct QueryPair {
  std::string name;
  std::string value;
  std::size_t offset = 0;  // of the value, in bytes from the start of the query string
};

// Takes the pairs of a query string one by one; empty ones ("&&") are skipped.
class QueryPairs {
 public:
  explicit QueryPairs(std::string_view query) : query_(query) {}

  enum class Step : std::uint8_t { pair, broken, end };
  // pair: out is set. broken: a triplet is not %XX; out.name is the raw name, offset its place.
  [[nodiscard]] Step next(QueryPair& out);

 private:
  std::string_view query_;
  std::size_t at_ = 0;
};

namespace query_detail {

template <typename T>
std::expected<void, std::string> take(T& member, const std::string& text, bool again) {
  if constexpr (json_detail::kReadsVector<T>) {
    auto value = parse_scalar<typename T::value_type>(text);
    if (!value) {
      return std::unexpected(std::move(value.error()));
    }
    member.push_back(std::move(*value));
  } else {
    if (again) {
      return std::unexpected("must not be given twice");
    }
    if constexpr (json_detail::kReadsOptional<T>) {
      auto value = parse_scalar<typename T::value_type>(text);
      if (!value) {
        return std::unexpected(std::move(value.error()));
      }
      member = std::move(*value);
    } else {
      auto value = parse_scalar<T>(text);
      if (!value) {
        return std::unexpected(std::move(value.error()));
      }
      member = std::move(*value);
    }
  }
  return {};
}

}  // namespace query_detail

// Appends to errors what is wrong; true where nothing is. target_offset is added to positions: the
// bytes of the request target before the query string.
template <Described T>
[[nodiscard]] bool read_query(std::string_view query, std::size_t target_offset, T& out,
                              std::vector<FieldError>& errors) {
  constexpr std::size_t kCount = field_count<T>;
  std::array<bool, kCount> seen{};
  std::array<bool, kCount> good{};
  std::array<std::size_t, kCount> offsets{};
  const std::size_t errors_before = errors.size();
  const auto fail = [&](std::string_view name, std::size_t offset, std::string message) {
    if (errors.size() < kFieldErrorsMax) {
      errors.push_back(FieldError{.field = std::string(name),
                                  .in = "query",
                                  .position = target_offset + offset,
                                  .line = std::nullopt,
                                  .column = std::nullopt,
                                  .message = std::move(message)});
    }
  };

  QueryPairs pairs(query);
  QueryPair pair;
  for (auto step = pairs.next(pair); step != QueryPairs::Step::end; step = pairs.next(pair)) {
    if (step == QueryPairs::Step::broken) {
      fail(pair.name, pair.offset, "has a '%' that is not followed by two hexadecimal digits");
      continue;
    }
    for_each_field_index<T>([&](auto index, const auto& field) {
      constexpr std::size_t kIndex = decltype(index)::value;
      if (field.name != pair.name) {
        return;
      }
      auto taken = query_detail::take(out.*(field.member), pair.value, seen[kIndex]);
      good[kIndex] = taken.has_value() && (good[kIndex] || !seen[kIndex]);
      seen[kIndex] = true;
      offsets[kIndex] = pair.offset;
      if (!taken) {
        fail(field.name, pair.offset, std::move(taken.error()));
      }
    });
  }
  for_each_field_index<T>([&](auto index, const auto& field) {
    constexpr std::size_t kIndex = decltype(index)::value;
    using Member = FieldType<T, kIndex>;
    if (!seen[kIndex] && !json_detail::kReadsOptional<Member> &&
        !json_detail::kReadsVector<Member>) {
      fail(field.name, 0, "is required");
    }
  });
  check_rules(out, [&](std::size_t index, std::string message) {
    if (good[index]) {
      fail(json_detail::kFieldNames<T>[index], offsets[index], std::move(message));
    }
  });
  return errors.size() == errors_before;
}

}  // namespace sk::app
