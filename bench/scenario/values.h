// Values: what ${name} stands for, drawn for each request; and what setup requests have captured.
#pragma once

#include "bench/scenario/scenario.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sk::bench {

class Values {
 public:
  // parameters must outlive this.
  explicit Values(const std::vector<Parameter>& parameters);

  // The parameter's place; it exists: the scenario was checked.
  [[nodiscard]] std::size_t index_of(std::string_view name) const;

  // Appends the value that the request of that number has. The same name has the same value
  // everywhere in one request.
  void draw(std::string& out, std::size_t parameter, std::uint64_t seed,
            std::uint64_t sequence) const;

  // Keeps one more value for a captured parameter.
  void capture(std::string_view name, std::string value);
  [[nodiscard]] std::size_t captured(std::string_view name) const;

  // Every number drawn by `count_from` is shifted by it, so that warm-up and each run have their
  // own.
  void shift_sequences(std::int64_t by) { shift_ = by; }

 private:
  const std::vector<Parameter>& parameters_;
  std::vector<std::vector<std::string>> captured_;  // per parameter
  std::int64_t shift_ = 0;
};

}  // namespace sk::bench
