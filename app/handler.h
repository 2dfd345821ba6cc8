// Handler: any callable as the runtime calls it.
//
// A callable takes Context& and extractors (extract.h) in any order and returns a Response, a value
// with a JSON form (sent with 200), or a Task of either. Plain callables run without a coroutine
// frame. Arguments of coroutines must be taken by value (Context& excepted): they move into the
// frame, while what they were extracted into does not outlive the call. The callable is kept as
// long as the application, so a lambda that is a coroutine may have captures.
#pragma once

#include "net/io/task.h"

#include "app/context.h"
#include "app/extract.h"
#include "app/response.h"

#include <concepts>
#include <cstddef>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace sk::app {

// What a call gave: the response, or the task that will.
using HandlerOutcome = std::variant<Response, Task<Response>>;

class Handler {
 public:
  virtual ~Handler() = default;
  // Extracts and calls. Throws what the callable throws; a coroutine throws when it is awaited.
  virtual HandlerOutcome call(Context& context) const = 0;

  [[nodiscard]] bool wants_body() const { return wants_body_; }
  [[nodiscard]] std::size_t path_params() const { return path_params_; }

 protected:
  Handler(bool wants_body, std::size_t path_params)
      : wants_body_(wants_body), path_params_(path_params) {}

 private:
  bool wants_body_;
  std::size_t path_params_;
};

namespace handler_detail {

template <typename T>
struct Signature;
template <typename R, typename... A>
struct Signature<R (*)(A...)> {
  using Result = R;
  using Arguments = std::tuple<A...>;
};
template <typename R, typename... A>
struct Signature<R (*)(A...) noexcept> : Signature<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Signature<R (C::*)(A...) const> : Signature<R (*)(A...)> {};
template <typename R, typename C, typename... A>
struct Signature<R (C::*)(A...) const noexcept> : Signature<R (*)(A...)> {};
template <typename F>
  requires std::is_class_v<F>
struct Signature<F> : Signature<decltype(&F::operator())> {};

template <typename T>
inline constexpr bool kIsTask = false;
template <typename T>
inline constexpr bool kIsTask<Task<T>> = true;

template <typename A>
inline constexpr bool kIsContext = std::same_as<std::remove_cvref_t<A>, Context>;

template <typename A>
consteval bool wants_body() {
  if constexpr (kIsContext<A>) {
    return false;
  } else {
    return Extractor<std::remove_cvref_t<A>>::kWantsBody;
  }
}

template <typename A>
consteval std::size_t path_params() {
  if constexpr (kIsContext<A>) {
    return 0;
  } else {
    return Extractor<std::remove_cvref_t<A>>::kPathParams;
  }
}

template <typename T>
[[nodiscard]] Response to_response(T&& value) {
  if constexpr (std::same_as<std::remove_cvref_t<T>, Response>) {
    return std::forward<T>(value);
  } else {
    return json(value);
  }
}

template <typename T>
Task<Response> respond_later(Task<T> task) {
  T value = co_await task;
  co_return to_response(std::move(value));
}

// Keeps one extracted argument until the call.
template <typename A>
struct Slot {
  using Value = std::remove_cvref_t<A>;
  std::optional<Value> value;

  // The problem where it cannot be extracted.
  std::optional<Problem> fill(Extraction& from) {
    auto extracted = Extractor<Value>::extract(from);
    if (!extracted) {
      return std::move(extracted.error());
    }
    value.emplace(std::move(*extracted));
    return std::nullopt;
  }
  Value&& pass(Context&) { return std::move(*value); }
};
template <typename A>
  requires kIsContext<A>
struct Slot<A> {
  std::optional<Problem> fill(Extraction&) { return std::nullopt; }
  Context& pass(Context& context) { return context; }
};

}  // namespace handler_detail

template <typename F>
class CallableHandler final : public Handler {
  using Signature = handler_detail::Signature<F>;
  using Result = typename Signature::Result;
  using Arguments = typename Signature::Arguments;
  static constexpr std::size_t kArguments = std::tuple_size_v<Arguments>;

  template <std::size_t... I>
  static consteval bool any_wants_body(std::index_sequence<I...>) {
    return (handler_detail::wants_body<std::tuple_element_t<I, Arguments>>() || ... || false);
  }
  template <std::size_t... I>
  static consteval std::size_t count_path_params(std::index_sequence<I...>) {
    return (handler_detail::path_params<std::tuple_element_t<I, Arguments>>() + ... + 0);
  }
  template <std::size_t... I>
  static consteval bool safe_in_coroutine(std::index_sequence<I...>) {
    return ((handler_detail::kIsContext<std::tuple_element_t<I, Arguments>> ||
             !std::is_reference_v<std::tuple_element_t<I, Arguments>>) &&
            ... && true);
  }
  static constexpr auto kIndices = std::make_index_sequence<kArguments>{};
  static_assert(!handler_detail::kIsTask<Result> || safe_in_coroutine(kIndices),
                "a coroutine handler takes its extractors by value: a reference would dangle");

 public:
  explicit CallableHandler(F callable)
      : Handler(any_wants_body(kIndices), count_path_params(kIndices)),
        callable_(std::move(callable)) {}

  HandlerOutcome call(Context& context) const override { return call_with(context, kIndices); }

 private:
  template <std::size_t... I>
  HandlerOutcome call_with(Context& context, std::index_sequence<I...>) const {
    std::tuple<handler_detail::Slot<std::tuple_element_t<I, Arguments>>...> slots;
    [[maybe_unused]] Extraction from{context};
    std::optional<Problem> problem;
    static_cast<void>(((problem = std::get<I>(slots).fill(from), problem.has_value()) || ...));
    if (problem) {
      problem->instance = context.path();
      return problem->to_response();
    }
    if constexpr (handler_detail::kIsTask<Result>) {
      if constexpr (std::same_as<Result, Task<Response>>) {
        return callable_(std::get<I>(slots).pass(context)...);
      } else {
        return handler_detail::respond_later(callable_(std::get<I>(slots).pass(context)...));
      }
    } else {
      return handler_detail::to_response(callable_(std::get<I>(slots).pass(context)...));
    }
  }

  F callable_;
};

}  // namespace sk::app
