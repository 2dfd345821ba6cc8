#include "net/http/header_id.h"

#include "net/http/ascii.h"

#include <array>

namespace sk {
namespace {

constexpr std::array<std::string_view, kHeaderIdCount> kNames = {std::string_view(),
#define SK_HEADER_NAME(id, text) std::string_view(text),
                                                                 SK_HEADER_TABLE(SK_HEADER_NAME)
#undef SK_HEADER_NAME
};

// Lower-case copies in one array; a name is at most kNameBytesMax long.
constexpr std::size_t kNameBytesMax = 40;

struct LowerName {
  std::array<char, kNameBytesMax> text{};
};

constexpr std::array<LowerName, kHeaderIdCount> kLowerNames = [] {
  std::array<LowerName, kHeaderIdCount> names{};
  for (std::size_t i = 0; i < kHeaderIdCount; ++i) {
    for (std::size_t k = 0; k < kNames[i].size(); ++k) {
      names[i].text.at(k) = ascii_lower(kNames[i][k]);
    }
  }
  return names;
}();

// A perfect hash over length and three characters. The multiplier was found by trying random ones
// until no two names collided; after a change of the table the static_assert below says whether a
// new one is needed.
constexpr std::uint32_t kMultiplier = 0xcc76dd65;
constexpr unsigned kSlotBits = 9;

constexpr std::uint32_t slot_of(std::string_view name) noexcept {
  const std::size_t n = name.size();
  const auto byte = [name](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(ascii_lower(name[i])));
  };
  const std::uint32_t key =
      static_cast<std::uint32_t>(n) | byte(0) << 8 | byte(n / 2) << 16 | byte(n * 3 / 4) << 24;
  return (key * kMultiplier) >> (32 - kSlotBits);
}

struct SlotTable {
  std::array<std::uint8_t, std::size_t{1} << kSlotBits> ids{};
  bool collision = false;
};

constexpr SlotTable kSlots = [] {
  SlotTable table;
  for (std::size_t i = 1; i < kHeaderIdCount; ++i) {
    std::uint8_t& slot = table.ids[slot_of(kNames[i])];
    table.collision = table.collision || slot != 0;
    slot = static_cast<std::uint8_t>(i);
  }
  return table;
}();
static_assert(!kSlots.collision, "search a new kMultiplier: two header names share a slot");

constexpr std::uint64_t kTableHash = [] {
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (std::size_t i = 1; i < kHeaderIdCount; ++i) {
    for (const char c : kNames[i]) {
      hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    }
    hash = (hash ^ 0xff) * 0x100000001b3ULL;
  }
  return hash;
}();

}  // namespace

HeaderId find_header_id(std::string_view name) noexcept {
  if (name.empty() || name.size() > kNameBytesMax) {
    return HeaderId::unknown;
  }
  const std::uint8_t number = kSlots.ids[slot_of(name)];
  return number != 0 && iequals(name, kNames[number]) ? static_cast<HeaderId>(number)
                                                      : HeaderId::unknown;
}

std::string_view header_name(HeaderId id) noexcept { return kNames[static_cast<std::size_t>(id)]; }

std::string_view header_name_lower(HeaderId id) noexcept {
  const auto i = static_cast<std::size_t>(id);
  return {kLowerNames[i].text.data(), kNames[i].size()};
}

std::uint64_t header_table_hash() noexcept { return kTableHash; }

}  // namespace sk
