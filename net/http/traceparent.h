// The traceparent field of W3C trace context, version 00.
#pragma once

#include <string_view>

namespace sk {

// "00-<32 hex>-<16 hex>-<2 hex>", lower case, neither id all zero. Anything else is to be ignored.
[[nodiscard]] bool is_traceparent(std::string_view text) noexcept;

}  // namespace sk
