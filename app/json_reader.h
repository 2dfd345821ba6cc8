// Reads a JSON document straight into described structs (net/core/struct_fields.h) and says what
// was wrong.
//
// Malformed JSON, and JSON that is well-formed but not what was asked for, are different mistakes:
// ReadOutcome::malformed is a 400, ReadOutcome::invalid a 422. Every error names field and
// position. Strict on purpose: an unknown field, a field given twice and a missing field that is
// not a std::optional are errors; a number for a string is too. null is accepted for optional
// fields only.
//
// Members may be bool, integers, float, double, std::string, std::optional, std::vector, std::map
// with string keys, Timestamp (RFC 3339 text), RawJson and described structs. Strings are copied
// out: nothing read here points into the document afterwards.
#pragma once

#include "net/core/struct_fields.h"

#include "app/field_error.h"
#include "app/raw_json.h"
#include "app/rules.h"
#include "app/timestamp.h"

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace sk::app {

enum class ReadOutcome : std::uint8_t { ok, malformed, invalid };

inline constexpr std::uint32_t kNoPosition = std::numeric_limits<std::uint32_t>::max();

// Where the value of each field stood, in bytes from the start of the document; kNoPosition where
// it was absent.
template <Described T>
using FieldPositions = std::array<std::uint32_t, field_count<T>>;

// JsonReader walks one document at a time. It keeps its buffers: one per thread, reused. The
// members below read_json() are for the templates in this file; a caller needs read_json() only.
class JsonReader {
 public:
  // simdjson reads this many bytes beyond the end of a document. A text with less behind it is
  // copied first.
  static constexpr std::size_t kPaddingBytes = 64;

  JsonReader();
  ~JsonReader();
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  // readable_bytes says how much of text's memory may be read, from its start (>= text.size()).
  bool start(std::string_view text, std::size_t readable_bytes);
  // Call last. Moves what was wrong to errors, at most kFieldErrorsMax; malformed JSON is one
  // error.
  ReadOutcome finish(std::vector<FieldError>& errors);

  // The value the walk stands at. Each of these consumes it, or records an error and returns false.
  bool read_bool(bool& out);
  bool read_signed(std::int64_t& out, std::int64_t min, std::int64_t max);
  bool read_unsigned(std::uint64_t& out, std::uint64_t max);
  bool read_double(double& out);
  bool read_string(std::string& out);
  bool read_timestamp(Timestamp& out);
  bool read_raw(std::string& out);
  // True where the value is null; it is consumed then.
  bool take_null();
  // on_member(name) and on_element(index) must read the value they are called for, or leave it.
  template <typename F>
  bool read_object(F&& on_member) {
    return walk_object(&on_member, [](void* f, std::string_view name) {
      (*static_cast<std::remove_reference_t<F>*>(f))(name);
    });
  }
  template <typename F>
  bool read_array(F&& on_element) {
    return walk_array(&on_element,
                      [](void* f) { (*static_cast<std::remove_reference_t<F>*>(f))(); });
  }

  // Byte offset of the current value.
  [[nodiscard]] std::uint32_t position() const;
  // Records an error at offset about the current field, or about its member `name` where not empty.
  void record(std::string_view name, std::uint32_t offset, std::string message);
  void record_unknown(std::string_view name, std::span<const std::string_view> known);

 private:
  struct Walk;

  bool walk_object(void* context, void (*on_member)(void*, std::string_view));
  bool walk_array(void* context, void (*on_element)(void*));

  std::unique_ptr<Walk> walk_;
};

namespace json_detail {

template <typename T>
inline constexpr bool kReadsOptional = false;
template <typename T>
inline constexpr bool kReadsOptional<std::optional<T>> = true;
template <typename T>
inline constexpr bool kReadsVector = false;
template <typename T>
inline constexpr bool kReadsVector<std::vector<T>> = true;

template <Described T>
inline constexpr auto kFieldNames = [] {
  std::array<std::string_view, field_count<T>> names{};
  for (std::size_t index = 0; index < names.size(); ++index) {
    names[index] = field_name<T>(index);
  }
  return names;
}();

template <typename T>
bool read_value(JsonReader& reader, T& out);

template <std::integral I>
bool read_integer(JsonReader& reader, I& out) {
  using Limits = std::numeric_limits<I>;
  if constexpr (std::is_signed_v<I>) {
    std::int64_t value = 0;
    const bool ok = reader.read_signed(value, Limits::min(), Limits::max());
    out = static_cast<I>(value);
    return ok;
  } else {
    std::uint64_t value = 0;
    const bool ok = reader.read_unsigned(value, Limits::max());
    out = static_cast<I>(value);
    return ok;
  }
}

template <Described T>
bool read_struct(JsonReader& reader, T& out, FieldPositions<T>& positions) {
  constexpr std::size_t kCount = field_count<T>;
  std::array<bool, kCount> seen{};
  std::array<bool, kCount> good{};
  positions.fill(kNoPosition);
  const std::uint32_t start = reader.position();

  const bool is_object = reader.read_object([&](std::string_view name) {
    bool known = false;
    for_each_field_index<T>([&](auto index, const auto& field) {
      constexpr std::size_t kIndex = decltype(index)::value;
      if (known || field.name != name) {
        return;
      }
      known = true;
      if (seen[kIndex]) {
        reader.record({}, reader.position(), "must not be given twice");
        return;
      }
      seen[kIndex] = true;
      positions[kIndex] = reader.position();
      good[kIndex] = read_value(reader, out.*(field.member));
    });
    if (!known) {
      reader.record_unknown(name, kFieldNames<T>);
    }
  });
  if (!is_object) {
    return false;
  }

  bool fine = true;
  for_each_field_index<T>([&](auto index, const auto& field) {
    constexpr std::size_t kIndex = decltype(index)::value;
    if (!seen[kIndex] && !kReadsOptional<FieldType<T, kIndex>>) {
      reader.record(field.name, start, "is required");
    }
    fine = fine && (good[kIndex] || (!seen[kIndex] && kReadsOptional<FieldType<T, kIndex>>));
  });
  check_rules(out, [&](std::size_t index, std::string message) {
    if (good[index]) {
      fine = false;
      reader.record(kFieldNames<T>[index], positions[index], std::move(message));
    }
  });
  return fine;
}

template <typename T>
bool read_value(JsonReader& reader, T& out) {
  if constexpr (std::same_as<T, bool>) {
    return reader.read_bool(out);
  } else if constexpr (std::integral<T>) {
    return read_integer(reader, out);
  } else if constexpr (std::floating_point<T>) {
    double value = 0;
    const bool ok = reader.read_double(value);
    out = static_cast<T>(value);
    return ok;
  } else if constexpr (std::same_as<T, std::string>) {
    return reader.read_string(out);
  } else if constexpr (std::same_as<T, Timestamp>) {
    return reader.read_timestamp(out);
  } else if constexpr (std::same_as<T, RawJson>) {
    return reader.read_raw(out.text);
  } else if constexpr (kReadsOptional<T>) {
    if (reader.take_null()) {
      out.reset();
      return true;
    }
    return read_value(reader, out.emplace());
  } else if constexpr (kReadsVector<T>) {
    bool fine = true;
    const bool is_array = reader.read_array([&] {
      typename T::value_type element{};
      fine = read_value(reader, element) && fine;
      out.push_back(std::move(element));
    });
    return is_array && fine;
  } else if constexpr (Described<T>) {
    FieldPositions<T> positions;
    return read_struct(reader, out, positions);
  } else {
    static_assert(std::same_as<typename T::key_type, std::string>,
                  "this type cannot be read from JSON: describe it with SK_FIELDS");
    bool fine = true;
    const bool is_object = reader.read_object([&](std::string_view name) {
      const auto added = out.try_emplace(std::string(name));
      if (!added.second) {
        reader.record({}, reader.position(), "must not be given twice");
        fine = false;
        return;
      }
      fine = read_value(reader, added.first->second) && fine;
    });
    return is_object && fine;
  }
}

}  // namespace json_detail

// Reads text, one JSON document, into out. With malformed or invalid, out holds what could be read
// and errors (cleared first) at least one entry. text must stay as it is during the call only.
template <typename T>
[[nodiscard]] ReadOutcome read_json(JsonReader& reader, std::string_view text,
                                    std::size_t readable_bytes, T& out,
                                    std::vector<FieldError>& errors) {
  errors.clear();
  if (reader.start(text, readable_bytes)) {
    json_detail::read_value(reader, out);
  }
  return reader.finish(errors);
}

// The same for a struct, telling where each field stood.
template <Described T>
[[nodiscard]] ReadOutcome read_json(JsonReader& reader, std::string_view text,
                                    std::size_t readable_bytes, T& out,
                                    std::vector<FieldError>& errors, FieldPositions<T>& positions) {
  errors.clear();
  positions.fill(kNoPosition);
  if (reader.start(text, readable_bytes)) {
    json_detail::read_struct(reader, out, positions);
  }
  return reader.finish(errors);
}

}  // namespace sk::app
