// Migrations bring a database's schema up to date, step by step, exactly once.
//
// Each step is one transaction: under an advisory lock (so that several processes may try at the
// same time) it looks into schema_migrations, runs the step's SQL if it is not there, and notes it.
// A step that fails leaves nothing behind, and the steps after it are not tried.
#pragma once

#include "app/config.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sk::app {

struct Migration {
  std::int64_t version;   // ascending; never changed once released
  std::string_view name;  // for people: "items"
  std::string_view sql;   // one or more statements; no BEGIN, no COMMIT
};

// Connects, runs what is missing, prints a line per step. Blocks; returns the exit code: 0 when the
// schema is up to date, 1 where the database cannot be reached or refuses.
[[nodiscard]] int migrate(const Config& config, const std::vector<Migration>& migrations,
                          std::string_view program);

// The one statement that runs a step: autocommitted, hence atomic. Exposed for tests.
[[nodiscard]] std::string migration_statement(const Migration& migration);

}  // namespace sk::app
