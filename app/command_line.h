// The command line of every application built on the runtime.
//
//   app [--config FILE] [--listen HOST:PORT] [--io auto|uring|epoll]    serve
//   app [--config FILE] migrate                                         bring the schema up to date
//   app [--config FILE] check [--json]                                  print the effective
//   settings app --version | --help
#pragma once

#include "app/config.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sk::app {

enum class Command : std::uint8_t { serve, migrate, check };

struct CommandLine {
  Command command = Command::serve;
  std::string config_file;
  std::string listen;  // empty: as configured
  std::string io;
  bool json = false;  // check
};

// What to do, or the exit code where there is nothing left to do (--help, --version, a mistake: its
// message has been printed).
struct CommandLineResult {
  std::optional<CommandLine> command_line;
  int exit_code = 0;
};

[[nodiscard]] CommandLineResult parse_command_line(int argc, const char* const* argv,
                                                   std::string_view name, std::string_view version);

// Puts --listen and --io over the configuration.
void apply_command_line(const CommandLine& command_line, ConfigResult& result);

}  // namespace sk::app
