// Any bytes as a configuration: no crash, messages printable, and what is accepted prints and reads
// back as itself.
#include "lb/config_check.h"
#include "lb/config_messages.h"
#include "lb/config_print.h"
#include "lb/config_toml.h"

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  sk::lb::ConfigMessages messages;
  const sk::lb::Config config = sk::lb::read_config(text, "fuzz.toml", messages);
  sk::lb::check_config(config, messages);
  for (const char byte : messages.format("fuzz.toml")) {
    if (byte != '\n' && static_cast<unsigned char>(byte) < 0x20) {
      std::abort();
    }
  }
  if (messages.has_errors()) {
    return 0;
  }
  const std::string printed = sk::lb::print_toml(config);
  sk::lb::ConfigMessages again;
  const sk::lb::Config second = sk::lb::read_config(printed, "printed.toml", again);
  sk::lb::check_config(second, again);
  if (again.has_errors() || sk::lb::print_toml(second) != printed ||
      sk::lb::print_json(second) != sk::lb::print_json(config)) {
    std::abort();
  }
  return 0;
}
