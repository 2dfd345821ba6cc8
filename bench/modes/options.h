// What was typed: one struct for all modes. Made by command_line.h.
#pragma once

#include "net/core/time.h"
#include "net/io/loop.h"

#include "bench/generator/arrivals.h"

#include <cstdint>
#include <optional>
#include <string>

namespace sk::bench {

enum class Verb : std::uint8_t { budgets, capacity, compare, overload, saturate };

struct Options {
  Verb verb = Verb::budgets;
  std::string command;  // as it could be typed again

  std::string target;    // URL; empty: the scenario's
  std::string config;    // sidekick.toml with the routes' budgets
  std::string scenario;  // what to send; empty: a GET to each route
  std::string a;         // compare: a URL, or a folder with bin/sidekick-lb
  std::string b;

  Duration duration = std::chrono::seconds(60);  // of a run
  Duration warm_up = std::chrono::seconds(2);    // before each run
  std::uint32_t runs = 5;                        // compare: pairs
  double rate = 0;                               // for requests without one; 0: none
  ArrivalKind arrivals = ArrivalKind::poisson;
  std::uint64_t seed = 0;

  IoChoice io = IoChoice::automatic;
  std::uint32_t connections = 4096;    // at most; saturate: exactly
  std::uint32_t outstanding = 20'000;  // requests in flight at most
  Duration timeout = std::chrono::seconds(10);
  std::optional<unsigned> cpu;  // the core to stay on

  std::string authorities;  // --ca
  bool insecure = false;
  std::string timing_secret;

  std::string report;  // HTML page
  std::string json;
  std::string record;   // raw results
  bool strict = false;  // inconclusive counts as violated
};

}  // namespace sk::bench
