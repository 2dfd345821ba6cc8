// What the operator typed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace sk::lb {

struct CommandLine {
  enum class Command : std::uint8_t { run, check, healthcheck, environment };

  Command command = Command::run;
  std::string config = "/etc/sidekick/sidekick.toml";
  bool config_given = false;
  std::string io;       // overrides file and environment; empty: not given
  bool json = false;    // check
  std::string address;  // healthcheck; empty: from the configuration
  std::string path = "/livez";
};

// Either what to do, or the exit code of a line that is done with already (--help, --version, a
// mistake, which was printed).
struct ParsedLine {
  std::optional<CommandLine> line;
  int exit_code = 0;
};

ParsedLine parse_command_line(int argc, const char* const* argv);

}  // namespace sk::lb
