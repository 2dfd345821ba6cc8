#include "app/app.h"

#include "net/core/environment.h"

#include "app/command_line.h"
#include "app/config.h"
#include "app/serve.h"

#include <cstdio>
#include <cstdlib>

extern char** environ;

namespace sk::app {

int App::main(int argc, const char* const* argv) {
  const CommandLineResult parsed = parse_command_line(argc, argv, name_, version_);
  if (!parsed.command_line) {
    return parsed.exit_code;
  }
  ConfigResult loaded = load_config(parsed.command_line->config_file,
                                    [](const char* name) { return std::getenv(name); });
  apply_command_line(*parsed.command_line, loaded);
  for (const std::string& mistake : routes_.mistakes()) {
    loaded.mistakes.push_back({name_, 0, 0, mistake, ""});
  }
  const bool worker = started_as_worker();
  if (!worker) {
    // The balancer has told of a worker's.
    for (const EnvironmentMistake& unknown : unknown_variables(environ)) {
      std::fprintf(stderr, "environment %s: warning: %s\n", unknown.name.c_str(),
                   unknown.text.c_str());
    }
  }
  if (!loaded.mistakes.empty()) {
    std::fputs(format(loaded.mistakes).c_str(), stderr);
    return 2;
  }
  if (parsed.command_line->command == Command::check) {
    std::fputs(print_settings(loaded.config, parsed.command_line->json).c_str(), stdout);
    return 0;
  }
  if (parsed.command_line->command == Command::migrate) {
    return migrate(loaded.config, migrations_, name_);
  }
  const Identity identity{name_, version_};
  return worker ? serve_as_worker(routes_, loaded.config, identity)
                : serve_alone(routes_, loaded.config, identity);
}

}  // namespace sk::app
