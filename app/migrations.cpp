#include "app/migrations.h"

#include "net/io/event.h"
#include "net/io/loop.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"

#include "db/pg/client.h"

#include "app/engine.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace sk::app {
namespace {

constexpr auto kPatience = std::chrono::seconds(10);     // for the database to be reachable
constexpr auto kStepTimeout = std::chrono::minutes(10);  // for one step, index builds included
constexpr std::string_view kLock =
    "6010487313398909266";  // any number that only we use: "Sidekick"

// text between dollar quotes that do not occur in it, not even half in it and half in the quote.
std::string dollar_quoted(std::string_view text, std::string_view name) {
  for (int i = 0;; ++i) {
    std::string tag = "$" + std::string(name) + (i == 0 ? "" : std::to_string(i)) + "$";
    const std::string closed = std::string(text) + tag;
    if (closed.find(tag) == text.size()) {
      return tag + closed;
    }
  }
}

std::string quoted(std::string_view text) { return dollar_quoted(text, "m"); }

class Migrator {
 public:
  Migrator(Loop& loop, pg::Client& database, const std::vector<Migration>& migrations,
           std::string_view program)
      : loop_(loop),
        database_(database),
        migrations_(migrations),
        program_(program),
        scope_(loop),
        changed_(loop) {}

  Task<void> run() {
    database_.start([this](const pg::Health&) { changed_.set(); });
    const bool connected = co_await wait_for_database();
    if (connected) {
      co_await run_steps();
    }
    co_await database_.close();
    loop_.stop();
  }

  [[nodiscard]] int exit_code() const { return exit_code_; }

 private:
  void fail(const std::string& why) {
    std::fprintf(stderr, "%s migrate: %s\n", program_.c_str(), why.c_str());
    exit_code_ = 1;
  }

  Task<bool> wait_for_database() {
    const Instant until = after(loop_.now(), kPatience);
    while (database_.health().state != pg::State::ready) {
      if (database_.health().state == pg::State::password_refused) {
        fail("PostgreSQL refused user or password: " + database_.health().reason +
             "; check DATABASE_URL or PGUSER and PGPASSWORD");
        co_return false;
      }
      const Result<void> waited = co_await changed_.wait(scope_, until);
      if (!waited) {
        fail("PostgreSQL cannot be reached: " + database_.health().reason +
             "; check DATABASE_URL or PGHOST, and that it runs");
        co_return false;
      }
    }
    co_return true;
  }

  Task<void> run_steps() {
    const std::string create =
        "do $sk$ begin perform pg_advisory_xact_lock(" + std::string(kLock) +
        "); create table if not exists schema_migrations (version bigint primary key, "
        "name text not null, applied_at timestamptz not null default now()); end $sk$";
    pg::Result<std::uint64_t> created = co_await database_.exec(scope_, create);
    if (!created) {
      fail("cannot create schema_migrations: " + pg::describe(created.error()));
      co_return;
    }
    std::size_t applied = 0;
    for (const Migration& migration : migrations_) {
      constexpr std::string_view kKnown =
          "select exists (select 1 from schema_migrations where version = $1)";
      pg::Result<bool> known = co_await database_.one<bool>(scope_, kKnown, migration.version);
      if (known && *known) {
        continue;
      }
      const std::string step = migration_statement(migration);
      pg::Result<std::uint64_t> done = co_await database_.exec(scope_, step);
      if (!done) {
        fail("step " + std::to_string(migration.version) + " (" + std::string(migration.name) +
             ") failed and was undone: " + pg::describe(done.error()));
        co_return;
      }
      ++applied;
      std::printf("applied %lld %.*s\n", static_cast<long long>(migration.version),
                  static_cast<int>(migration.name.size()), migration.name.data());
    }
    std::printf("the schema is up to date: %zu of %zu steps applied now\n", applied,
                migrations_.size());
    exit_code_ = 0;
  }

  Loop& loop_;
  pg::Client& database_;
  const std::vector<Migration>& migrations_;
  std::string program_;
  CancelScope scope_;
  Event changed_;
  int exit_code_ = 1;
};

Task<void> close_resolver(Resolver& resolver, Loop& loop) {
  co_await resolver.close();
  loop.stop();
}

}  // namespace

std::string migration_statement(const Migration& migration) {
  // One DO block, because one statement is one transaction. The version is looked up again under
  // the lock: another process may have run the step since.
  const std::string version = std::to_string(migration.version);
  const std::string body =
      "begin perform pg_advisory_xact_lock(" + std::string(kLock) +
      "); if not exists (select 1 from schema_migrations where version = " + version +
      ") then execute " + quoted(migration.sql) +
      "; insert into schema_migrations (version, name) values (" + version + ", " +
      quoted(migration.name) + "); end if; end";
  return "do " + dollar_quoted(body, "sk");
}

int migrate(const Config& config, const std::vector<Migration>& migrations,
            std::string_view program) {
  const auto refuse = [&](const std::string& why) {
    std::fprintf(stderr, "%s migrate: %s\n", std::string(program).c_str(), why.c_str());
    return 1;
  };
  if (!config.database.trouble.empty()) {
    return refuse(config.database.trouble);
  }
  if (!config.database.enabled) {
    return refuse("no database is configured: set DATABASE_URL, PGHOST, or url in [database]");
  }
  std::string why;
  const Result<IoProbe> probe = probe_io(config.io, why);
  if (!probe) {
    return refuse(why);
  }
  std::unique_ptr<Loop> loop;
  try {
    loop = Loop::create(probe->backend);
  } catch (const std::exception& error) {
    return refuse(std::string("no event loop: ") + error.what());
  }
  int exit_code = 1;
  {
    Resolver resolver(*loop);
    pg::Config database = to_pg_config(config, program);
    database.lanes = 1;
    database.statement_timeout =
        std::max(database.statement_timeout,
                 std::chrono::duration_cast<std::chrono::milliseconds>(kStepTimeout));
    auto client = pg::Client::create(*loop, resolver, std::move(database));
    if (!client) {
      return refuse("database.url (DATABASE_URL): " + client.error().message);
    }
    Migrator migrator(*loop, **client, migrations, program);
    TaskGroup root(*loop);
    root.spawn(migrator.run());
    loop->run();
    root.spawn(close_resolver(resolver, *loop));
    loop->run();
    exit_code = migrator.exit_code();
  }
  return exit_code;
}

}  // namespace sk::app
