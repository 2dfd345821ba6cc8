// Extractors: what a handler says it needs, in its parameters.
//
//   app.get("/users/:id", [](Context& c, Path<std::int64_t> id) -> Task<Response> { ... });
//   app.get("/users", [](Query<Page> page) { ... });
//   app.post("/users", [](Context& c, Body<NewUser> user) -> Task<Response> { ... });
//   app.get("/me", [](Header<"Authorization"> authorization) { ... });
//
// Path<T>   the next parameter of the pattern, percent-decoded; T is a scalar (scalar_text.h)
// Query<T>  the query string as a described struct (query_reader.h)
// Body<T>   the JSON body as a described struct, vector, map or RawJson (json_reader.h)
// RawBody   the body's bytes
// Header<N, T>  an optional scalar; T is std::string unless given
//
// What cannot be extracted never reaches the handler: malformed input is a 400, a wrong type or a
// broken rule a 422, a body of another media type a 415, each naming field and position.
#pragma once

#include "app/context.h"
#include "app/json_reader.h"
#include "app/percent.h"
#include "app/query_reader.h"
#include "app/scalar_text.h"

#include <algorithm>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace sk::app {

// Text as a template argument: Header<"If-Match">.
template <std::size_t N>
struct FixedText {
  char text[N];
  consteval FixedText(const char (&literal)[N]) { std::copy_n(literal, N, text); }
  [[nodiscard]] constexpr std::string_view view() const { return {text, N - 1}; }
};

template <typename T>
struct Extracted {
  T value;
  [[nodiscard]] T& operator*() { return value; }
  [[nodiscard]] const T& operator*() const { return value; }
  [[nodiscard]] T* operator->() { return &value; }
  [[nodiscard]] const T* operator->() const { return &value; }
};

template <Scalar T>
struct Path : Extracted<T> {};

template <Described T>
struct Query : Extracted<T> {};

template <FixedText Name, Scalar T = std::string>
struct Header : Extracted<std::optional<T>> {};

struct RawBody : Extracted<std::string_view> {};

template <typename T>
struct NoPositions {};

template <typename T>
struct Body : Extracted<T> {
  // The error for a member that turned out to be wrong after extraction (a name that is taken):
  // names the field and where its value stood.
  template <typename Member>
    requires Described<T>
  [[nodiscard]] FieldError error(Member T::* member, std::string message) const {
    const std::size_t index = rules::index_of<T>(member);
    FieldError error{.field = std::string(field_name<T>(index)),
                     .in = "body",
                     .position = std::nullopt,
                     .line = std::nullopt,
                     .column = std::nullopt,
                     .message = std::move(message)};
    if (positions[index] != kNoPosition) {
      error = body_error(std::move(error.field), text, positions[index], std::move(error.message));
    }
    return error;
  }

  std::string_view text;  // the body as it came; the context's
  [[no_unique_address]] std::conditional_t<Described<T>,
                                           std::array<std::uint32_t,
                                                      [] {
                                                        if constexpr (Described<T>) {
                                                          return field_count<T>;
                                                        } else {
                                                          return std::size_t{0};
                                                        }
                                                      }()>,
                                           NoPositions<T>> positions;
};

// State of one call's extraction.
struct Extraction {
  Context& context;
  std::size_t next_path_param = 0;
};

namespace extract_detail {

// 400 or 422 with the list of errors.
[[nodiscard]] Problem bad_input(std::uint16_t status, std::string_view what,
                                std::vector<FieldError> errors);
[[nodiscard]] Problem bad_path_param(const Context& context, std::size_t index,
                                     std::uint16_t status, std::string message);
[[nodiscard]] Problem bad_header(std::string_view name, std::string message);
// 415 where the request says that its body is something that cannot be JSON.
[[nodiscard]] std::optional<Problem> check_json_type(const Context& context);

}  // namespace extract_detail

template <typename E>
struct Extractor;

template <Scalar T>
struct Extractor<Path<T>> {
  static constexpr bool kWantsBody = false;
  static constexpr std::size_t kPathParams = 1;

  static std::expected<Path<T>, Problem> extract(Extraction& from) {
    const std::size_t index = from.next_path_param++;
    const std::string_view raw = from.context.path_params().values[index];
    std::string text;
    if (!percent_decode(text, raw, PlusSign::literal)) {
      return std::unexpected(extract_detail::bad_path_param(
          from.context, index, 400, "has a '%' that is not followed by two hexadecimal digits"));
    }
    auto value = parse_scalar<T>(text);
    if (!value) {
      return std::unexpected(
          extract_detail::bad_path_param(from.context, index, 422, std::move(value.error())));
    }
    return Path<T>{{std::move(*value)}};
  }
};

template <Described T>
struct Extractor<Query<T>> {
  static constexpr bool kWantsBody = false;
  static constexpr std::size_t kPathParams = 0;

  static std::expected<Query<T>, Problem> extract(Extraction& from) {
    Query<T> query{};
    std::vector<FieldError> errors;
    if (!read_query(from.context.query(), from.context.path().size() + 1, query.value, errors)) {
      return std::unexpected(extract_detail::bad_input(422, "The query string", std::move(errors)));
    }
    return query;
  }
};

template <FixedText Name, Scalar T>
struct Extractor<Header<Name, T>> {
  static constexpr bool kWantsBody = false;
  static constexpr std::size_t kPathParams = 0;

  static std::expected<Header<Name, T>, Problem> extract(Extraction& from) {
    static const HeaderId id = find_header_id(Name.view());
    const Fields& fields = from.context.request().fields;
    const auto* field = id != HeaderId::unknown ? fields.find(id) : fields.find(Name.view());
    if (field == nullptr) {
      return Header<Name, T>{};
    }
    auto value = parse_scalar<T>(field->value());
    if (!value) {
      return std::unexpected(extract_detail::bad_header(Name.view(), std::move(value.error())));
    }
    return Header<Name, T>{{std::move(*value)}};
  }
};

template <>
struct Extractor<RawBody> {
  static constexpr bool kWantsBody = true;
  static constexpr std::size_t kPathParams = 0;

  static std::expected<RawBody, Problem> extract(Extraction& from) {
    return RawBody{{std::string_view(from.context.body())}};
  }
};

template <typename T>
struct Extractor<Body<T>> {
  static constexpr bool kWantsBody = true;
  static constexpr std::size_t kPathParams = 0;

  static std::expected<Body<T>, Problem> extract(Extraction& from) {
    if (auto wrong_type = extract_detail::check_json_type(from.context)) {
      return std::unexpected(std::move(*wrong_type));
    }
    const std::string& text = from.context.body();
    JsonReader& reader = from.context.services().json_reader;
    std::vector<FieldError> errors;
    Body<T> body{};
    body.text = text;
    ReadOutcome outcome{};
    if constexpr (Described<T>) {
      outcome = read_json(reader, text, text.capacity(), body.value, errors, body.positions);
    } else {
      outcome = read_json(reader, text, text.capacity(), body.value, errors);
    }
    if (outcome != ReadOutcome::ok) {
      const bool malformed = outcome == ReadOutcome::malformed;
      return std::unexpected(extract_detail::bad_input(
          malformed ? 400 : 422, malformed ? "The body, which is not JSON," : "The body",
          std::move(errors)));
    }
    return body;
  }
};

}  // namespace sk::app
