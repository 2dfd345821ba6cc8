// sidekick-lb: runs the balancer, checks its configuration, or asks a running one.

#include "net/core/environment.h"
#include "net/io/signals.h"

#include "lb/command_line.h"
#include "lb/config_messages.h"
#include "lb/config_print.h"
#include "lb/config_toml.h"
#include "lb/healthcheck.h"
#include "lb/server.h"

#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <utility>

extern char** environ;

namespace sk::lb {
namespace {

constexpr int kConfigWrong = 78;  // EX_CONFIG

void print(std::FILE* to, const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), to);
  std::fflush(to);
}

// Messages go to stderr: all of them, or none.
std::optional<Config> load(const CommandLine& line) {
  ConfigMessages messages;
  const Environment process = process_environment();
  // What was typed is more than what was inherited.
  const Environment environment = [&](const std::string& name) {
    return name == "SIDEKICK_IO" && !line.io.empty() ? std::optional<std::string>(line.io)
                                                     : process(name);
  };
  if (line.command != CommandLine::Command::healthcheck) {
    for (EnvironmentMistake& unknown : unknown_variables(environ)) {
      messages.warning({}, unknown.name, std::move(unknown.text));
    }
  }
  std::optional<Config> config = load_config(line.config, environment, messages);
  print(stderr, messages.format(line.config));
  return config;
}

int check(const CommandLine& line) {
  const std::optional<Config> config = load(line);
  if (!config) {
    return kConfigWrong;
  }
  print(stdout, line.json ? print_json(*config) : print_toml(*config));
  return 0;
}

int healthcheck(const CommandLine& line) {
  std::optional<sk::Address> address;
  if (!line.address.empty()) {
    const Result<sk::Address> parsed = sk::Address::parse(line.address);
    if (!parsed) {
      print(stderr, "sidekick-lb: --address " + line.address + ": " + parsed.error().detail + "\n");
      return 64;
    }
    address = *parsed;
  } else {
    const std::optional<Config> config = load(line);
    if (!config) {
      return kConfigWrong;
    }
    address = probe_address(*config);
  }
  if (!address) {
    print(stderr, "sidekick-lb: " + line.config +
                      " has neither an admin nor a cleartext listener that could be asked\n");
    return 1;
  }
  if (const std::optional<std::string> wrong = probe(*address, line.path)) {
    print(stderr, "sidekick-lb: " + *wrong + "\n");
    return 1;
  }
  return 0;
}

int run(const CommandLine& line) {
  const std::optional<Config> config = load(line);
  if (!config) {
    return kConfigWrong;
  }
  ::prctl(PR_SET_DUMPABLE, 0);  // private keys are in memory: no core dumps, no ptrace
  block_signals({SIGTERM, SIGINT, SIGHUP, SIGCHLD});
  Server server(*config);
  return server.run();
}

}  // namespace
}  // namespace sk::lb

int main(int argc, char** argv) {
  const sk::lb::ParsedLine parsed = sk::lb::parse_command_line(argc, argv);
  if (!parsed.line) {
    return parsed.exit_code;
  }
  switch (parsed.line->command) {
    case sk::lb::CommandLine::Command::check:
      return sk::lb::check(*parsed.line);
    case sk::lb::CommandLine::Command::healthcheck:
      return sk::lb::healthcheck(*parsed.line);
    case sk::lb::CommandLine::Command::environment:
      sk::lb::print(stdout, sk::print_variables());
      return 0;
    case sk::lb::CommandLine::Command::run:
      break;
  }
  return sk::lb::run(*parsed.line);
}
