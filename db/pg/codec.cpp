#include "db/pg/codec.h"

#include <bit>
#include <limits>

namespace sk::pg {
namespace {

// timestamptz counts microseconds from 2000-01-01 00:00 UTC.
constexpr Timestamp kEpoch = std::chrono::sys_days(std::chrono::January / 1 / 2000);

// Binary jsonb is this version number and the document's text (jsonb_send in jsonb.c).
constexpr std::string_view kJsonbVersion("\1", 1);

}  // namespace

std::optional<std::int64_t> decode_integer(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 8) {
    return std::nullopt;
  }
  std::uint64_t value = (static_cast<unsigned char>(bytes[0]) & 0x80) != 0 ? ~0ULL : 0ULL;
  for (const char byte : bytes) {
    value = (value << 8) | static_cast<unsigned char>(byte);
  }
  return static_cast<std::int64_t>(value);
}

std::optional<double> decode_float(const Cell& cell) {
  const auto bits = decode_integer(cell.bytes);
  if (cell.type == kFloat4 && cell.bytes.size() == 4) {
    return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(*bits)));
  }
  if (cell.bytes.size() != 8) {
    return std::nullopt;
  }
  return std::bit_cast<double>(*bits);
}

// The ends of the range stand for -infinity and infinity, which a time_point lacks; so does every
// instant that would overflow when the epochs are added.
std::optional<Timestamp> decode_timestamp(std::string_view bytes) {
  const auto since = decode_integer(bytes);
  if (bytes.size() != 8) {
    return std::nullopt;
  }
  constexpr std::int64_t kOffset = kEpoch.time_since_epoch().count();
  if (*since == std::numeric_limits<std::int64_t>::min()) {
    return Timestamp::min();
  }
  if (*since > std::numeric_limits<std::int64_t>::max() - kOffset) {
    return Timestamp::max();
  }
  return Timestamp(std::chrono::microseconds(*since + kOffset));
}

std::optional<std::string_view> decode_json(const Cell& cell) {
  if (cell.type != kJsonb) {
    return cell.bytes;
  }
  if (!cell.bytes.starts_with(kJsonbVersion)) {
    return std::nullopt;
  }
  return cell.bytes.substr(kJsonbVersion.size());
}

void encode_float(Parameters& out, double value) {
  out.add_integer(kFloat8, std::bit_cast<std::uint64_t>(value));
}

void encode_timestamp(Parameters& out, Timestamp value) {
  const std::int64_t since_1970 = value.time_since_epoch().count();
  constexpr std::int64_t kOffset = kEpoch.time_since_epoch().count();
  std::int64_t since_2000 = 0;
  if (value == Timestamp::max()) {
    since_2000 = std::numeric_limits<std::int64_t>::max();
  } else if (since_1970 < std::numeric_limits<std::int64_t>::min() + kOffset) {
    since_2000 = std::numeric_limits<std::int64_t>::min();
  } else {
    since_2000 = since_1970 - kOffset;
  }
  out.add_integer(kTimestamptz, since_2000);
}

void encode_json(Parameters& out, std::string_view text) { out.add(kJsonb, kJsonbVersion, text); }

}  // namespace sk::pg
