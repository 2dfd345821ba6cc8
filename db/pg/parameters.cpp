#include "db/pg/parameters.h"

#include <algorithm>

namespace sk::pg {

void Parameters::add(Oid type, std::string_view prefix, std::string_view bytes) {
  SK_ASSERT(count_ < kParametersMax);
  const std::size_t size = prefix.size() + bytes.size();
  SK_ASSERT(size <= INT32_MAX - used_);
  types_[count_] = type;
  offsets_[count_] = static_cast<std::uint32_t>(used_);
  sizes_[count_] = static_cast<std::int32_t>(size);
  ++count_;
  if (spilled_.empty() && used_ + size <= kInlineBytes) {
    const auto behind = std::ranges::copy(prefix, inline_.begin() + used_).out;
    std::ranges::copy(bytes, behind);
  } else {
    if (spilled_.empty()) {
      spilled_.reserve(used_ + size);
      spilled_.assign(inline_.data(), used_);
    }
    spilled_.append(prefix).append(bytes);
  }
  used_ += size;
}

void Parameters::add_null(Oid type) {
  SK_ASSERT(count_ < kParametersMax);
  types_[count_] = type;
  offsets_[count_] = static_cast<std::uint32_t>(used_);
  sizes_[count_] = -1;
  ++count_;
}

std::string_view Parameters::value(std::size_t index) const {
  const char* bytes = spilled_.empty() ? inline_.data() : spilled_.data();
  return {bytes + offsets_[index], static_cast<std::size_t>(sizes_[index])};
}

}  // namespace sk::pg
