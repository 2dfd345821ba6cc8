// Parameters are the values of $1, $2, ... in PostgreSQL's binary format, with the OIDs of their
// types.
//
// Values are copied when they are added, so that nothing points into the caller. Up to
// kParametersMax values; short ones stay inside the object, so that a query allocates nothing.
#pragma once

#include "net/core/assert.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sk::pg {

using Oid = std::uint32_t;

inline constexpr std::size_t kParametersMax = 32;

class Parameters {
 public:
  // bytes: the value in binary format of that type.
  void add(Oid type, std::string_view bytes) { add(type, {}, bytes); }
  // The same in two pieces: jsonb puts a version byte in front of its text.
  void add(Oid type, std::string_view prefix, std::string_view bytes);
  void add_null(Oid type);

  // A big-endian integer of sizeof(Integer) bytes.
  template <typename Integer>
  void add_integer(Oid type, Integer value) {
    std::array<char, sizeof(Integer)> bytes;
    auto rest = static_cast<std::uint64_t>(value);
    for (std::size_t i = sizeof(Integer); i-- > 0; rest >>= 8) {
      bytes[i] = static_cast<char>(rest & 0xff);
    }
    add(type, std::string_view(bytes.data(), bytes.size()));
  }

  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] std::span<const Oid> types() const { return {types_.data(), count_}; }
  [[nodiscard]] bool is_null(std::size_t index) const { return sizes_[index] < 0; }
  // The value's bytes, as long as the parameters are neither changed nor moved.
  [[nodiscard]] std::string_view value(std::size_t index) const;
  [[nodiscard]] std::size_t bytes() const { return used_; }

 private:
  static constexpr std::size_t kInlineBytes = 192;

  std::size_t count_ = 0;
  std::size_t used_ = 0;
  std::array<Oid, kParametersMax> types_;
  std::array<std::uint32_t, kParametersMax> offsets_;
  std::array<std::int32_t, kParametersMax> sizes_;  // -1: NULL
  std::array<char, kInlineBytes> inline_;           // the bytes, until they no longer fit
  std::string spilled_;                             // then all of them are here
};

}  // namespace sk::pg
