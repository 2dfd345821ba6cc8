// Cache: cache-aside over Redis, with one load per key at a time in this process.
//
//   auto load = [&c, id] { return load_user(c, id); };      // Task<std::optional<User>>
//   Cached<User> user = co_await c.cache().get_or_load<User>(c.scope(), "user:7", load);
//
// A hit is answered from Redis. A miss runs the loader once however many requests want the key, and
// stores what it gave; "there is none" is stored too, for a short time. A loader's exception goes
// to every request that waited for it and is never stored.
//
// Redis being slow or away never fails a request: it then runs its loader, which the bound
// loads_max keeps from becoming an outage of the database (beyond it: ServiceError, overloaded).
//
// Stale values: invalidate(key) after a committed write removes the value and raises the key's
// generation. A loader that read the row before that commit holds the older generation, and its
// value is not stored. Where Redis cannot be told, the key is remembered (up to kPendingMax keys;
// beyond that the TTL is the last bound), is not read from Redis in the meantime, and is
// invalidated when Redis answers again.
//
// One per loop.
#pragma once

#include "net/core/intrusive_list.h"
#include "net/io/event.h"
#include "net/io/loop.h"
#include "net/io/task.h"
#include "net/io/task_group.h"

#include "db/redis/client.h"

#include "app/config.h"
#include "app/json_reader.h"
#include "app/json_writer.h"

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

namespace sk::app {

enum class CacheOutcome : std::uint8_t {
  hit,
  miss,       // loaded here
  coalesced,  // loaded by another request of this process at the same time
  bypass,     // loaded, because Redis could not be asked
};

// "hit" or "miss": the value of X-Cache.
[[nodiscard]] constexpr std::string_view x_cache(CacheOutcome outcome) {
  return outcome == CacheOutcome::hit ? "hit" : "miss";
}

template <typename T>
struct Cached {
  std::optional<T> value;  // nothing where the loader says that there is none
  CacheOutcome outcome = CacheOutcome::miss;
};

class Cache {
 public:
  static constexpr std::size_t kPendingMax = 10'000;

  // redis may be null: then every read is a bypass. reader is the loop's.
  Cache(Loop& loop, redis::Client* redis, JsonReader& reader, CacheConfig config);
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  // load() returns Task<std::optional<T>>; it runs at most once, within the caller's own scope, and
  // must outlive the await. ttl: Duration::zero() for the configured one.
  template <typename T, typename Load>
  [[nodiscard]] Task<Cached<T>> get_or_load(CancelScope& scope, std::string key, Load& load,
                                            Duration ttl = Duration::zero());

  // After a commit (also after one whose outcome is unknown). Never fails.
  [[nodiscard]] Task<void> invalidate(CancelScope& scope, std::string key);

  // Call when Redis answers again: invalidates what is pending.
  void redis_is_back();

  // Ends background work; must be awaited before destruction.
  [[nodiscard]] Task<void> close();

  struct Counters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;
    std::uint64_t coalesced = 0;
    std::uint64_t bypasses = 0;
    std::uint64_t errors = 0;           // commands to Redis that failed
    std::uint64_t stale_refused = 0;    // values not stored because their key was invalidated
    std::uint64_t pending_dropped = 0;  // invalidations given up beyond kPendingMax
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] std::size_t pending() const { return pending_.size(); }

 private:
  // What a key's value is, as text: JSON, or nothing for "there is none".
  struct Value {
    std::optional<std::string> json;
    CacheOutcome outcome = CacheOutcome::miss;
  };
  struct FollowerTag {};
  // A request that waits for another one's load.
  struct Follower : ListHook<FollowerTag> {
    explicit Follower(Loop& loop) : ready(loop) {}
    Event ready;
    bool done = false;  // else: the leader gave up, try again
    std::optional<std::string> json;
    std::exception_ptr failure;
  };
  struct Flight {
    IntrusiveList<Follower, FollowerTag> followers;
    bool invalidated = false;  // while it was loading: what it loads may be old
  };
  // What Redis said about a key.
  struct Lookup {
    bool asked = false;  // false: not reachable, or the key awaits invalidation
    bool found = false;
    std::optional<std::string> json;  // found: the value
    std::string generation;           // not found: for the guarded store; empty for none
  };
  // Ends a flight, whatever ended its leader.
  class Leadership;

  [[nodiscard]] Task<Lookup> look_up(CancelScope& scope, const std::string& key);
  [[nodiscard]] Task<void> store(CancelScope& scope, const std::string& key,
                                 const std::string& generation,
                                 const std::optional<std::string>& json, Duration ttl);
  [[nodiscard]] Task<bool> invalidate_now(CancelScope& scope, const std::string& key);
  [[nodiscard]] Task<void> invalidate_pending();
  void remember(const std::string& key);
  [[nodiscard]] Duration jittered(Duration ttl);
  // Waits for a load that is under way. Nothing: its leader gave up, start again.
  [[nodiscard]] Task<std::optional<Value>> follow(CancelScope& scope, Flight& flight);
  // Throws overloaded.
  void begin_flight(const std::string& key, Flight& flight);

  Loop& loop_;
  redis::Client* redis_;
  JsonReader& reader_;
  CacheConfig config_;
  std::unordered_map<std::string, Flight*> flights_;  // frames of leaders own them
  std::unordered_set<std::string> pending_;
  CancelScope background_scope_;
  TaskGroup background_;
  bool flushing_ = false;
  Counters counters_;
};

class Cache::Leadership {
 public:
  Leadership(Cache& cache, const std::string& key, Flight& flight)
      : cache_(cache), key_(key), flight_(flight) {
    cache_.begin_flight(key_, flight_);
  }
  Leadership(const Leadership&) = delete;
  Leadership& operator=(const Leadership&) = delete;
  // Without share() or fail(): the followers try again, one of them as the next leader.
  ~Leadership() { end(false, std::nullopt, nullptr); }

  void share(const std::optional<std::string>& json) { end(true, json, nullptr); }
  void fail(const std::exception_ptr& failure) { end(true, std::nullopt, failure); }

 private:
  void end(bool done, const std::optional<std::string>& json, const std::exception_ptr& failure);

  Cache& cache_;
  const std::string& key_;
  Flight& flight_;
  bool ended_ = false;
};

template <typename T, typename Load>
Task<Cached<T>> Cache::get_or_load(CancelScope& scope, std::string key, Load& load, Duration ttl) {
  const auto parse = [this](const std::optional<std::string>& json, std::optional<T>& out) {
    if (!json) {
      return true;
    }
    std::vector<FieldError> errors;
    return read_json(reader_, *json, json->size(), out.emplace(), errors) == ReadOutcome::ok;
  };
  Cached<T> result;
  // The first to want a key leads, the others follow it.
  for (auto under_way = flights_.find(key); under_way != flights_.end();
       under_way = flights_.find(key)) {
    std::optional<Value> shared = co_await follow(scope, *under_way->second);
    if (shared && parse(shared->json, result.value)) {
      result.outcome = shared->outcome;
      co_return result;
    }
  }
  Flight flight;
  Leadership leadership(*this, key, flight);
  const Lookup lookup = co_await look_up(scope, key);
  if (lookup.found && parse(lookup.json, result.value)) {
    ++counters_.hits;
    result.outcome = CacheOutcome::hit;
    leadership.share(lookup.json);
    co_return result;
  }
  ++(lookup.asked ? counters_.misses : counters_.bypasses);
  result.outcome = lookup.asked ? CacheOutcome::miss : CacheOutcome::bypass;
  std::exception_ptr failure;
  try {
    Task<std::optional<T>> loading = load();
    result.value = co_await loading;
  } catch (...) {
    failure = std::current_exception();
  }
  if (failure) {
    // A leader whose client left or whose deadline passed must not take the others with it.
    if (!scope.cancelled()) {
      leadership.fail(failure);
    }
    std::rethrow_exception(failure);
  }
  std::optional<std::string> json;
  if (result.value) {
    json = to_json(*result.value);
  }
  const bool may_store = lookup.asked && !flight.invalidated;
  if (!flight.invalidated) {
    leadership.share(json);
  }
  if (may_store) {
    co_await store(scope, key, lookup.generation, json, ttl);
  }
  co_return result;
}

}  // namespace sk::app
