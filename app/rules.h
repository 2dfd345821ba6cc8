// Rules a described struct's fields must obey, checked after a body or query string was read.
//
//   SK_RULES(NewUser, (name, length(1, 80)), (age, range(0, 150)), (role, one_of("admin", "user")))
//
// Stands after SK_FIELDS, in the same namespace. A field may have several rules (write it several
// times). Rules of an optional field apply when it has a value. Length counts characters (Unicode
// code points) of strings, elements of arrays.
//
// A rule is any value with `bool holds(const Member&) const` and `std::string message(const
// Member&) const`; the message completes "name ...": "must have 1 to 80 characters, has 0".
#pragma once

#include "net/core/struct_fields.h"

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace sk::app {

// Code points of valid UTF-8: every byte but the continuation bytes.
[[nodiscard]] constexpr std::size_t character_count(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char c : text) {
    count += (static_cast<unsigned char>(c) & 0xc0) != 0x80 ? 1U : 0U;
  }
  return count;
}

namespace rules {

struct Length {
  std::size_t min;
  std::size_t max;

  template <typename T>
  [[nodiscard]] static constexpr std::size_t of(const T& value) {
    if constexpr (std::convertible_to<const T&, std::string_view>) {
      return character_count(std::string_view(value));
    } else {
      return static_cast<std::size_t>(std::ranges::size(value));
    }
  }
  template <typename T>
  [[nodiscard]] constexpr bool holds(const T& value) const {
    return of(value) >= min && of(value) <= max;
  }
  template <typename T>
  [[nodiscard]] std::string message(const T& value) const {
    const char* unit =
        std::convertible_to<const T&, std::string_view> ? " characters" : " elements";
    return "must have " + std::to_string(min) + " to " + std::to_string(max) + unit + ", has " +
           std::to_string(of(value));
  }
};

template <typename N>
struct Range {
  N min;
  N max;

  template <typename T>
  [[nodiscard]] constexpr bool holds(const T& value) const {
    if constexpr (std::integral<T> && std::integral<N>) {
      return std::cmp_greater_equal(value, min) && std::cmp_less_equal(value, max);
    } else {
      // Written so that NaN, which compares with nothing, is refused.
      return static_cast<double>(value) >= static_cast<double>(min) &&
             static_cast<double>(value) <= static_cast<double>(max);
    }
  }
  template <typename T>
  [[nodiscard]] std::string message(const T& value) const {
    return "must be between " + std::to_string(min) + " and " + std::to_string(max) + ", is " +
           std::to_string(value);
  }
};

template <std::size_t N>
struct OneOf {
  std::array<std::string_view, N> choices;

  [[nodiscard]] constexpr bool holds(std::string_view value) const {
    return std::ranges::find(choices, value) != choices.end();
  }
  [[nodiscard]] std::string message(std::string_view) const {
    std::string text = "must be one of";
    for (const std::string_view choice : choices) {
      text += ' ';
      text += choice;
    }
    return text;
  }
};

template <typename F>
struct Satisfies {
  F test;
  std::string_view text;

  template <typename T>
  [[nodiscard]] constexpr bool holds(const T& value) const {
    return test(value);
  }
  template <typename T>
  [[nodiscard]] std::string message(const T&) const {
    return std::string(text);
  }
};

[[nodiscard]] constexpr Length length(std::size_t min, std::size_t max) { return {min, max}; }

template <typename N>
[[nodiscard]] constexpr Range<N> range(N min, N max) {
  return {min, max};
}

template <typename... S>
[[nodiscard]] constexpr OneOf<sizeof...(S)> one_of(const S&... choices) {
  return {{std::string_view(choices)...}};
}

// For text that goes into PostgreSQL, which cannot hold this one character.
[[nodiscard]] constexpr auto no_nul() {
  constexpr auto kTest = [](std::string_view text) {
    return text.find('\0') == std::string_view::npos;
  };
  return Satisfies<decltype(kTest)>{kTest, "must not contain the character U+0000"};
}

// Any predicate without captures: satisfies([](const std::string& s) { ... }, "must be ...").
template <typename F>
[[nodiscard]] constexpr Satisfies<F> satisfies(F test, std::string_view text) {
  return {test, text};
}

template <typename Class, typename Member, typename Rule>
struct FieldRule {
  Member Class::* member;
  Rule rule;
};

template <typename Class, typename Member, typename Rule>
[[nodiscard]] constexpr FieldRule<Class, Member, Rule> make_rule(Member Class::* member,
                                                                 Rule rule) {
  return {member, rule};
}

}  // namespace rules

template <typename T>
concept Ruled = Described<T> && requires(const T* p) { sk_rules(p); };

namespace rules {

template <typename A, typename B>
[[nodiscard]] constexpr bool same_member(A a, B b) {
  if constexpr (std::same_as<A, B>) {
    return a == b;
  } else {
    return false;
  }
}

// Position of a member in SK_FIELDS; field_count<T> where it is not there.
template <Described T, typename Member>
[[nodiscard]] constexpr std::size_t index_of(Member T::* member) {
  std::size_t found = field_count<T>;
  for_each_field_index<T>([&](auto index, const auto& field) {
    if (same_member(field.member, member)) {
      found = index;
    }
  });
  return found;
}

// The message of a broken rule; nothing where it holds or the member is an empty optional.
template <typename Rule, typename Member>
[[nodiscard]] std::optional<std::string> broken(const Rule& rule, const Member& value) {
  if constexpr (requires { value.has_value(); }) {
    return value.has_value() ? broken(rule, *value) : std::nullopt;
  } else {
    return rule.holds(value) ? std::nullopt : std::optional<std::string>(rule.message(value));
  }
}

}  // namespace rules

// Calls report(field_index, message) for every broken rule of value.
template <Described T, typename Report>
void check_rules([[maybe_unused]] const T& value, [[maybe_unused]] Report&& report) {
  if constexpr (Ruled<T>) {
    std::apply(
        [&](const auto&... rule) {
          (
              [&] {
                if (auto message = rules::broken(rule.rule, value.*(rule.member))) {
                  report(rules::index_of<T>(rule.member), std::move(*message));
                }
              }(),
              ...);
        },
        sk_rules(static_cast<const T*>(nullptr)));
  }
}

}  // namespace sk::app

#define SK_RULES_ONE(type, pair) SK_RULES_PAIR(type, SK_FIELDS_UNWRAP pair)
#define SK_RULES_PAIR(...) SK_RULES_PAIR_(__VA_ARGS__)
#define SK_RULES_PAIR_(type, member, ...) ::sk::app::rules::make_rule(&type::member, __VA_ARGS__)

#define SK_RULES(type, ...)                                             \
  [[maybe_unused]] constexpr auto sk_rules(const type*) noexcept {      \
    using namespace ::sk::app::rules;                                   \
    return std::tuple{SK_FIELDS_EACH(SK_RULES_ONE, type, __VA_ARGS__)}; \
  }
