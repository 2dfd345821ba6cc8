// SK_FIELDS names the members of a struct once; JSON, table rows and query strings all read that
// one list at compile time.
//
//   struct User { std::int64_t id; std::string name; bool class_; };
//   SK_FIELDS(User, id, name, (class_, "class"))
//
// The macro stands in the namespace of the struct, after it. A member's name is its field name,
// unless it is written as (member, "name"). Up to 32 fields; order is the order written here, which
// is the order of JSON output and of the columns of a row.
//
// for_each_field(value, f) calls f(field, member) for each; field_count<T> and field_at<T>(i) are
// for tables built at compile time.
#pragma once

#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

namespace sk {

template <typename Class, typename Member>
struct StructField {
  using class_type = Class;
  using value_type = Member;
  std::string_view name;
  Member Class::* member;
};

template <typename Class, typename Member>
[[nodiscard]] constexpr StructField<Class, Member> make_struct_field(
    std::string_view name, Member Class::* member) noexcept {
  return StructField<Class, Member>{name, member};
}

// True for a struct that was described with SK_FIELDS.
template <typename T>
concept Described = requires(const T* p) { sk_fields(p); };

template <Described T>
inline constexpr auto kFields = sk_fields(static_cast<const T*>(nullptr));

template <Described T>
inline constexpr std::size_t field_count =
    std::tuple_size_v<std::remove_cvref_t<decltype(kFields<T>)>>;

template <Described T, std::size_t I>
using FieldType =
    typename std::tuple_element_t<I, std::remove_cvref_t<decltype(kFields<T>)>>::value_type;

// The field's name by position; empty beyond the end.
template <Described T>
[[nodiscard]] constexpr std::string_view field_name(std::size_t index) noexcept {
  std::string_view name;
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    ((I == index ? static_cast<void>(name = std::get<I>(kFields<T>).name) : static_cast<void>(0)),
     ...);
  }(std::make_index_sequence<field_count<T>>{});
  return name;
}

// Calls f(std::integral_constant<size_t, I>, StructField) in order.
template <Described T, typename F>
constexpr void for_each_field_index(F&& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f(std::integral_constant<std::size_t, I>{}, std::get<I>(kFields<T>)), ...);
  }(std::make_index_sequence<field_count<T>>{});
}

}  // namespace sk

// ---- the macro machinery: apply X(Type, member) to each argument, comma separated
// ----------------
#define SK_FIELDS_PARENS ()
#define SK_FIELDS_EXPAND(...) SK_FIELDS_EXPAND3(SK_FIELDS_EXPAND3(SK_FIELDS_EXPAND3(__VA_ARGS__)))
#define SK_FIELDS_EXPAND3(...) SK_FIELDS_EXPAND2(SK_FIELDS_EXPAND2(SK_FIELDS_EXPAND2(__VA_ARGS__)))
#define SK_FIELDS_EXPAND2(...) SK_FIELDS_EXPAND1(SK_FIELDS_EXPAND1(SK_FIELDS_EXPAND1(__VA_ARGS__)))
#define SK_FIELDS_EXPAND1(...) __VA_ARGS__
#define SK_FIELDS_EACH(x, type, ...) \
  __VA_OPT__(SK_FIELDS_EXPAND(SK_FIELDS_STEP(x, type, __VA_ARGS__)))
#define SK_FIELDS_STEP(x, type, first, ...) \
  x(type, first) __VA_OPT__(, SK_FIELDS_AGAIN SK_FIELDS_PARENS(x, type, __VA_ARGS__))
#define SK_FIELDS_AGAIN() SK_FIELDS_STEP

// (member, "name") or member: the parenthesised form is told apart by what follows a probe.
#define SK_FIELDS_SECOND(a, b, ...) b
#define SK_FIELDS_PROBE(...) ~, 1
#define SK_FIELDS_CHECK(...) SK_FIELDS_SECOND(__VA_ARGS__, 0, ~)
#define SK_FIELDS_IS_PAREN(x) SK_FIELDS_CHECK(SK_FIELDS_PROBE x)
#define SK_FIELDS_CAT(a, b) SK_FIELDS_CAT_(a, b)
#define SK_FIELDS_CAT_(a, b) a##b
#define SK_FIELDS_ONE_0(type, member) ::sk::make_struct_field(#member, &type::member)
#define SK_FIELDS_ONE_1(type, pair) SK_FIELDS_NAMED(type, SK_FIELDS_UNWRAP pair)
#define SK_FIELDS_UNWRAP(...) __VA_ARGS__
#define SK_FIELDS_NAMED(...) SK_FIELDS_NAMED_(__VA_ARGS__)
#define SK_FIELDS_NAMED_(type, member, name) ::sk::make_struct_field(name, &type::member)
#define SK_FIELDS_ONE(type, item) \
  SK_FIELDS_CAT(SK_FIELDS_ONE_, SK_FIELDS_IS_PAREN(item))(type, item)

#define SK_FIELDS(type, ...)                                             \
  [[maybe_unused]] constexpr auto sk_fields(const type*) noexcept {      \
    return std::tuple{SK_FIELDS_EACH(SK_FIELDS_ONE, type, __VA_ARGS__)}; \
  }
