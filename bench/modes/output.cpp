#include "bench/modes/output.h"

#include "bench/report/json.h"
#include "bench/report/page.h"
#include "bench/report/table.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace sk::bench {
namespace {

Mode mode_of(Verb verb) {
  switch (verb) {
    case Verb::capacity:
      return Mode::capacity;
    case Verb::compare:
      return Mode::compare;
    case Verb::overload:
      return Mode::overload;
    case Verb::budgets:
    case Verb::saturate:
      break;
  }
  return Mode::budgets;
}

// False, with errno, if it is not whole.
bool write_file(const std::string& path, const std::string& text) {
  std::FILE* file = std::fopen(path.c_str(), "wbe");
  if (file == nullptr) {
    return false;
  }
  const bool whole = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && whole;
}

}  // namespace

RunSettings settings_of(const Options& options) {
  RunSettings settings;
  settings.mode = mode_of(options.verb);
  settings.command = options.command;
  settings.target = options.target;
  settings.config = options.config;
  settings.scenario = options.scenario;
  settings.arrivals = options.arrivals == ArrivalKind::poisson ? "poisson" : "constant";
  settings.runs = options.runs;
  settings.duration = std::chrono::duration_cast<std::chrono::milliseconds>(options.duration);
  settings.warm_up = std::chrono::duration_cast<std::chrono::milliseconds>(options.warm_up);
  settings.connections = options.connections;
  settings.outstanding_max = options.outstanding;
  settings.seed = options.seed;
  settings.started_at = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  return settings;
}

std::optional<std::string> write_report(const Options& options, const Report& report) {
  const std::string table = report_table(report, ::isatty(STDOUT_FILENO) == 1);
  std::fwrite(table.data(), 1, table.size(), stdout);
  std::fflush(stdout);
  if (!options.json.empty() && !write_file(options.json, report_json(report))) {
    return "--json " + options.json + " cannot be written: " + std::strerror(errno);
  }
  if (!options.report.empty() && !write_file(options.report, report_page(report))) {
    return "--report " + options.report + " cannot be written: " + std::strerror(errno);
  }
  return std::nullopt;
}

}  // namespace sk::bench
