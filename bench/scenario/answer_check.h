// Is that answer right? And: the value of a field of a JSON answer.
#pragma once

#include "bench/generator/client_connection.h"
#include "bench/scenario/scenario.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace sk::bench {

// So much of a body is kept to be looked at; what lies beyond cannot be checked.
inline constexpr std::size_t kBodyKeptMax = 1U << 20;

class AnswerCheck {
 public:
  AnswerCheck();
  ~AnswerCheck();
  AnswerCheck(const AnswerCheck&) = delete;
  AnswerCheck& operator=(const AnswerCheck&) = delete;

  // Whether the status is one that the scenario names as right.
  [[nodiscard]] static bool status_expected(const Expectation& expect, std::uint16_t status);

  // Empty if the answer is right, else what is wrong with it in one line: "answered 404, expected
  // 200", "has no JSON field \"id\"".
  [[nodiscard]] std::string wrong(const Expectation& expect, const Answer& answer);

  // The value of a field, text without its quotes; nothing where it is missing or not JSON.
  [[nodiscard]] std::optional<std::string> field(std::string_view json, std::string_view path);

 private:
  struct Json;
  std::unique_ptr<Json> json_;
};

}  // namespace sk::bench
