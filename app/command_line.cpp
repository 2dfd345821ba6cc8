#include "app/command_line.h"

#include "app/config_setting.h"

#include <CLI/CLI.hpp>

namespace sk::app {

CommandLineResult parse_command_line(int argc, const char* const* argv, std::string_view name,
                                     std::string_view version) {
  CommandLine out;
  CLI::App cli{"Serves HTTP: alone on --listen, or as a worker of sidekick-lb.", std::string(name)};
  cli.set_version_flag("--version", std::string(name) + " " + std::string(version));
  cli.add_option("--config", out.config_file, "TOML file")->type_name("FILE");
  cli.add_option("--listen", out.listen, "Address when run alone: host:port or unix:/path");
  cli.add_option("--io", out.io, "Event loop: auto, uring or epoll");
  cli.require_subcommand(0, 1);
  const CLI::App* migrate = cli.add_subcommand("migrate", "Bring the database schema up to date");
  CLI::App* const check =
      cli.add_subcommand("check", "Validate the configuration and print every setting");
  check->add_flag("--json", out.json, "Print JSON");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return {std::nullopt, cli.exit(error) == 0 ? 0 : 2};
  }
  if (migrate->parsed()) {
    out.command = Command::migrate;
  } else if (check->parsed()) {
    out.command = Command::check;
  }
  return {std::move(out), 0};
}

void apply_command_line(const CommandLine& command_line, ConfigResult& result) {
  if (!command_line.listen.empty()) {
    apply_setting(result.config, {"listen", command_line.listen, 0, 0}, "command line",
                  result.mistakes);
  }
  if (!command_line.io.empty()) {
    apply_setting(result.config, {"io", command_line.io, 0, 0}, "command line", result.mistakes);
  }
}

}  // namespace sk::app
