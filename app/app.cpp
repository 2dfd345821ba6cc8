#include "app/app.h"

#include "app/command_line.h"
#include "app/config.h"
#include "app/serve.h"

#include <cstdio>
#include <cstdlib>

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
    loaded.mistakes.push_back({name_, 0, 0, mistake});
  }
  if (!loaded.mistakes.empty()) {
    std::fputs(format(loaded.mistakes).c_str(), stderr);
    return 2;
  }
  if (parsed.command_line->command == Command::migrate) {
    return migrate(loaded.config, migrations_, name_);
  }
  const Identity identity{name_, version_};
  return started_as_worker() ? serve_as_worker(routes_, loaded.config, identity)
                             : serve_alone(routes_, loaded.config, identity);
}

}  // namespace sk::app
