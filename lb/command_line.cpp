#include "lb/command_line.h"

#include "sidekick_version.h"

#include <CLI/CLI.hpp>

namespace sk::lb {

ParsedLine parse_command_line(int argc, const char* const* argv) {
  CommandLine line;
  CLI::App app("Sidekick's load balancer", "sidekick-lb");
  app.set_version_flag("--version", "sidekick-lb " + std::string(kVersion));
  CLI::Option* const config =
      app.add_option("--config", line.config, "The configuration file")->capture_default_str();
  app.add_option("--io", line.io, "Event loop, instead of what the file says: auto, uring, epoll")
      ->check(CLI::IsMember({"auto", "uring", "epoll"}));
  app.fallthrough();
  app.require_subcommand(0, 1);

  CLI::App* const check =
      app.add_subcommand("check", "Validate the configuration and print it with all defaults");
  check->add_flag("--json", line.json, "Print JSON, with milliseconds and bytes as numbers");

  CLI::App* const healthcheck =
      app.add_subcommand("healthcheck", "Ask a running balancer; the exit code is the answer");
  healthcheck->add_option("--address", line.address,
                          "Where it listens in clear, such as 127.0.0.1:7500 or unix:/run/lb.sock");
  healthcheck->add_option("--path", line.path, "/livez, /healthz or /readyz")
      ->capture_default_str();

  CLI::App* const environment = app.add_subcommand(
      "environment", "Print the variables that sidekick-lb and its workers read");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return {std::nullopt, code == 0 ? 0 : 64};
  }
  line.config_given = config->count() > 0;
  if (check->parsed()) {
    line.command = CommandLine::Command::check;
  } else if (healthcheck->parsed()) {
    line.command = CommandLine::Command::healthcheck;
  } else if (environment->parsed()) {
    line.command = CommandLine::Command::environment;
  }
  return {line, 0};
}

}  // namespace sk::lb
