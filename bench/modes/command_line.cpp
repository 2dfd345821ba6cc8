#include "bench/modes/command_line.h"

#include "net/core/units.h"

#include "sidekick_version.h"

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdlib>
#include <map>

namespace sk::bench {
namespace {

constexpr const char* kFooter =
    "Exit code: 0 every budget is kept, 1 one is violated, 2 too few requests to tell, 3 the run "
    "is "
    "invalid\n(generator late, errors, wrong target), 64 a wrong command line, configuration or "
    "scenario.\ndocs/latency-budgets.md explains scenarios, reports and the use in CI.";

bool needs_quotes(std::string_view word) {
  return word.empty() || word.find_first_of(" '\"$`\\|&;<>()*?[]#~!{}\n\t") != word.npos;
}

// The command line as a shell would take it again. The value of --timing-secret is left out: the
// line ends up in reports.
std::string quoted_command(int argc, const char* const* argv) {
  constexpr std::string_view kSecret = "--timing-secret";
  std::string line = "sidekick-bench";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    line += ' ';
    if (i > 1 && kSecret == argv[i - 1]) {
      line += "...";
    } else if (word.starts_with("--timing-secret=")) {
      line += "--timing-secret=...";
    } else if (needs_quotes(word)) {
      line += '\'';
      for (const char c : word) {
        line += c == '\'' ? std::string("'\\''") : std::string(1, c);
      }
      line += '\'';
    } else {
      line += word;
    }
  }
  return line;
}

void add_duration(CLI::App& app, const std::string& name, Duration& out, Duration least,
                  Duration most, const std::string& help) {
  const auto take = [&out, name, least, most](const std::string& text) {
    const Result<Duration> parsed = parse_duration(text);
    if (!parsed || *parsed < least || *parsed > most) {
      throw CLI::ValidationError(name, "expected a duration from " + format_duration(least) +
                                           " to " + format_duration(most) +
                                           ", such as \"60s\"; got \"" + text + "\"");
    }
    out = *parsed;
  };
  app.add_option_function<std::string>(name, take, help + " [" + format_duration(out) + "]")
      ->type_name("DURATION");
}

class CommandLine {
 public:
  explicit CommandLine(Options& options)
      : options_(options),
        app_("Sidekick's benchmark suite for latency budgets", "sidekick-bench") {
    app_.set_version_flag("--version", "sidekick-bench " + std::string(kVersion));
    app_.require_subcommand(1);
    app_.footer(kFooter);
    add_verb("budgets", Verb::budgets, "Does the target keep its budgets?");
    add_verb("capacity", Verb::capacity, "The highest rate at which every budget is kept");
    add_verb("compare", Verb::compare, "Two targets, or two builds, interleaved A B B A");
    add_verb("overload", Verb::overload, "Goodput from half to four times the stated rates");
    add_verb("saturate", Verb::saturate,
             "Closed loop: how much target and generator can bear; no latency a client would see");
    CLI::App& compare = *verbs_[Verb::compare];
    compare
        .add_option("a", options_.a, "URL, or a folder with bin/sidekick-lb and bin/sidekick-app")
        ->required();
    compare.add_option("b", options_.b, "the other")->required();
  }

  ParsedOptions parse(int argc, const char* const* argv) {
    options_.command = quoted_command(argc, argv);
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    options_.seed = static_cast<std::uint64_t>(now / std::chrono::microseconds(1) % 1'000'000'007);
    if (const char* io = std::getenv("SIDEKICK_IO"); io != nullptr) {
      if (const Result<IoChoice> choice = parse_io_choice(io)) {
        options_.io = *choice;
      }
    }
    try {
      app_.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
      const int code = app_.exit(error);
      return {std::nullopt, code == 0 ? 0 : kUsageWrong};
    }
    for (const auto& [verb, command] : verbs_) {
      if (command->parsed()) {
        options_.verb = verb;
        fit_defaults(*command);
      }
    }
    return {options_, 0};
  }

 private:
  void add_verb(const std::string& name, Verb verb, const std::string& help) {
    CLI::App* command = app_.add_subcommand(name, help);
    command->footer(kFooter);
    verbs_[verb] = command;
    add_what(*command);
    add_how(*command);
    if (verb != Verb::saturate) {
      add_output(*command);
    }
  }

  void add_what(CLI::App& command) {
    command.add_option("--config", options_.config, "sidekick.toml: routes and their budgets");
    command.add_option("--target", options_.target,
                       "whom to load, such as http://127.0.0.1:7500 or https://localhost:8443");
    command.add_option("--scenario", options_.scenario,
                       "what to send, with budgets of its own if it states some");
    command.add_option("--rate", options_.rate, "requests per second of what states no rate")
        ->check(CLI::Range(0.001, 1e7));
  }

  void add_how(CLI::App& command) {
    using std::chrono_literals::operator""ms;
    using std::chrono_literals::operator""s;
    using std::chrono_literals::operator""h;
    add_duration(command, "--duration", options_.duration, 100ms, 24h,
                 "of a run; capacity, overload, compare: 10s; saturate: 5s");
    add_duration(command, "--warm-up", options_.warm_up, 0s, 1h, "before each run, not counted");
    command.add_option("--runs", options_.runs, "how many runs; of compare: pairs, 11")
        ->check(CLI::Range(1, 1000));
    const auto take_arrivals = [this](const std::string& kind) {
      options_.arrivals = kind == "constant" ? ArrivalKind::constant : ArrivalKind::poisson;
    };
    command.add_option_function<std::string>("--arrivals", take_arrivals, "poisson or constant")
        ->check(CLI::IsMember({"poisson", "constant"}));
    command.add_option("--seed", options_.seed, "the same seed sends the same requests");
    const auto take_io = [this](const std::string& text) {
      options_.io = parse_io_choice(text).value();
    };
    command.add_option_function<std::string>("--io", take_io, "event loop: auto, uring, epoll")
        ->check(CLI::IsMember({"auto", "uring", "epoll"}));
    command
        .add_option("--connections", options_.connections,
                    "at most so many [4096]; saturate: exactly so many [64]")
        ->check(CLI::Range(1, 60'000));
    command
        .add_option("--outstanding", options_.outstanding,
                    "requests in flight at most [20000]; more make the run invalid")
        ->check(CLI::Range(1, 1'000'000));
    add_duration(command, "--timeout", options_.timeout, 1ms, 1h,
                 "of one request, from its sending");
    command.add_option("--cpu", options_.cpu, "keep the generator on this core");
    command.add_option("--ca", options_.authorities, "PEM file of authorities to trust");
    command.add_flag("--insecure", options_.insecure, "accept any certificate");
    command.add_option("--timing-secret", options_.timing_secret,
                       "the balancer's timing_secret, so that answers bring their stages");
  }

  void add_output(CLI::App& command) {
    command.add_option("--report", options_.report, "writes one self-contained HTML page");
    command.add_option("--json", options_.json, "writes everything as JSON");
    command.add_option("--record", options_.record, "keeps every single request");
    command.add_flag("--strict", options_.strict, "inconclusive counts as violated");
  }

  void fit_defaults(CLI::App& command) {
    const Verb verb = options_.verb;
    if (command.count("--duration") == 0 && verb != Verb::budgets) {
      options_.duration = std::chrono::seconds(verb == Verb::saturate ? 5 : 10);
    }
    if (command.count("--connections") == 0 && verb == Verb::saturate) {
      options_.connections = 64;
    }
    if (command.count("--runs") == 0 && verb == Verb::compare) {
      options_.runs = 11;
    }
  }

  Options& options_;
  CLI::App app_;
  std::map<Verb, CLI::App*> verbs_;
};

}  // namespace

ParsedOptions parse_options(int argc, const char* const* argv) {
  Options options;
  return CommandLine(options).parse(argc, argv);
}

}  // namespace sk::bench
