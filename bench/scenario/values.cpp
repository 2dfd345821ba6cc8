#include "bench/scenario/values.h"

#include "net/core/assert.h"

#include "bench/generator/random.h"

#include <algorithm>

namespace sk::bench {

Values::Values(const std::vector<Parameter>& parameters)
    : parameters_(parameters), captured_(parameters.size()) {}

std::size_t Values::index_of(std::string_view name) const {
  const auto found = std::ranges::find(parameters_, name, &Parameter::name);
  SK_ASSERT(found != parameters_.end());
  return static_cast<std::size_t>(found - parameters_.begin());
}

void Values::draw(std::string& out, std::size_t parameter, std::uint64_t seed,
                  std::uint64_t sequence) const {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  const Parameter& what = parameters_[parameter];
  // A generator per value: draws do not depend on what else was drawn.
  Random random(seed ^ (sequence * 0x9e3779b97f4a7c15ULL) ^ (parameter << 56));
  switch (what.kind) {
    case Parameter::Kind::range: {
      const auto span = static_cast<std::uint64_t>(what.to - what.from) + 1;
      out += std::to_string(what.from + static_cast<std::int64_t>(random.below(span)));
      break;
    }
    case Parameter::Kind::choice:
      out += what.choices[random.below(what.choices.size())];
      break;
    case Parameter::Kind::text:
      for (std::uint32_t i = 0; i < what.length; ++i) {
        out += kLetters[random.below(kLetters.size())];
      }
      break;
    case Parameter::Kind::sequence:
      out += std::to_string(what.from + shift_ + static_cast<std::int64_t>(sequence));
      break;
    case Parameter::Kind::captured:
      if (!captured_[parameter].empty()) {
        out += captured_[parameter][random.below(captured_[parameter].size())];
      }
      break;
  }
}

void Values::capture(std::string_view name, std::string value) {
  captured_[index_of(name)].push_back(std::move(value));
}

std::size_t Values::captured(std::string_view name) const {
  return captured_[index_of(name)].size();
}

}  // namespace sk::bench
