// In Redis a key has two entries: "c:<key>" is the value, "g:<key>" its generation. A value is one
// byte and a payload: '1' and JSON, or '0' for "there is none".
#include "app/cache.h"

#include "net/io/stage_wait.h"

#include "app/context.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace sk::app {
namespace {

constexpr std::string_view kPresent = "1";
constexpr std::string_view kAbsent = "0";

// A generation must outlive every loader that may have seen the one before, and every value.
constexpr std::string_view kGenerationTtlMs = "86400000";

// KEYS: value, generation. ARGV: the generation seen before loading, the value, its TTL in ms.
constexpr std::string_view kStoreScript =
    "if (redis.call('GET', KEYS[2]) or '') == ARGV[1] then "
    "redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) return 1 else return 0 end";

// KEYS: value, generation. ARGV: the generation's TTL in ms.
constexpr std::string_view kInvalidateScript =
    "redis.call('INCR', KEYS[2]) redis.call('PEXPIRE', KEYS[2], ARGV[1]) "
    "redis.call('DEL', KEYS[1]) return 1";

std::string value_key(std::string_view key) { return "c:" + std::string(key); }
std::string generation_key(std::string_view key) { return "g:" + std::string(key); }

}  // namespace

Cache::Cache(Loop& loop, redis::Client* redis, JsonReader& reader, CacheConfig config)
    : loop_(loop),
      redis_(redis),
      reader_(reader),
      config_(config),
      background_scope_(loop),
      background_(loop) {}

Cache::~Cache() = default;

void Cache::begin_flight(const std::string& key, Flight& flight) {
  if (flights_.size() >= config_.loads_max) {
    throw ServiceError(Error{ErrorCode::overloaded, ErrorOrigin::internal, 0, "cache loads"},
                       "cache: loads_max keys are being loaded already");
  }
  flights_.emplace(key, &flight);
}

void Cache::Leadership::end(bool done, const std::optional<std::string>& json,
                            const std::exception_ptr& failure) {
  if (ended_) {
    return;
  }
  ended_ = true;
  cache_.flights_.erase(key_);
  while (!flight_.followers.empty()) {
    Follower& follower = flight_.followers.pop_front();
    follower.done = done;
    follower.json = json;
    follower.failure = failure;
    follower.ready.set();
  }
}

Task<std::optional<Cache::Value>> Cache::follow(CancelScope& scope, Flight& flight) {
  Follower self(loop_);
  flight.followers.push_back(self);
  const StageWait stage(scope, Stage::pg);  // what loaders read
  const Result<void> waited = co_await self.ready.wait(scope);
  if (!waited) {
    throw ServiceError(waited.error(), "cache: gave up waiting for another request's load");
  }
  if (self.failure) {
    std::rethrow_exception(self.failure);
  }
  if (!self.done) {
    co_return std::nullopt;
  }
  ++counters_.coalesced;
  co_return Value{.json = std::move(self.json), .outcome = CacheOutcome::coalesced};
}

Task<Cache::Lookup> Cache::look_up(CancelScope& scope, const std::string& key) {
  Lookup lookup;
  if (redis_ == nullptr || pending_.contains(key)) {
    co_return lookup;
  }
  const std::string value = value_key(key);
  const std::string generation = generation_key(key);
  const std::array<std::string_view, 3> command = {"MGET", value, generation};
  redis::Result<redis::Reply> reply = co_await redis_->command(scope, command);
  if (!reply || reply->view().size() != 2) {
    ++counters_.errors;
    co_return lookup;
  }
  lookup.asked = true;
  const redis::ReplyView found = reply->view().at(0);
  lookup.generation = reply->view().at(1).text();
  if (!found.is_nil() && !found.text().empty()) {
    lookup.found = true;
    if (found.text().substr(0, 1) == kPresent) {
      lookup.json = std::string(found.text().substr(1));
    }
  }
  co_return lookup;
}

Duration Cache::jittered(Duration ttl) {
  // Values that were stored together must not expire together: 10 % either way.
  const auto tenth = static_cast<std::uint64_t>(std::max<Duration::rep>(ttl.count() / 10, 1));
  return ttl - Duration(static_cast<Duration::rep>(tenth)) +
         Duration(static_cast<Duration::rep>(loop_.random_below(2 * tenth)));
}

Task<void> Cache::store(CancelScope& scope, const std::string& key, const std::string& generation,
                        const std::optional<std::string>& json, Duration ttl) {
  const Duration wanted = !json                     ? config_.negative_ttl
                          : ttl == Duration::zero() ? config_.ttl
                                                    : ttl;
  const auto ttl_ms = std::max<std::int64_t>(
      1, std::chrono::duration_cast<std::chrono::milliseconds>(jittered(wanted)).count());
  const std::string ttl_text = std::to_string(ttl_ms);
  const std::string value = json ? std::string(kPresent) + *json : std::string(kAbsent);
  const std::string value_name = value_key(key);
  const std::string generation_name = generation_key(key);
  const std::array<std::string_view, 2> keys = {value_name, generation_name};
  const std::array<std::string_view, 3> arguments = {generation, value, ttl_text};
  redis::Result<redis::Reply> reply = co_await redis_->eval(scope, kStoreScript, keys, arguments);
  if (!reply) {
    ++counters_.errors;
  } else if (reply->view().integer() == 0) {
    ++counters_.stale_refused;
  }
}

Task<bool> Cache::invalidate_now(CancelScope& scope, const std::string& key) {
  const std::string value_name = value_key(key);
  const std::string generation_name = generation_key(key);
  const std::array<std::string_view, 2> keys = {value_name, generation_name};
  const std::array<std::string_view, 1> arguments = {kGenerationTtlMs};
  redis::Result<redis::Reply> reply =
      co_await redis_->eval(scope, kInvalidateScript, keys, arguments);
  if (!reply) {
    ++counters_.errors;
  }
  co_return reply.has_value();
}

void Cache::remember(const std::string& key) {
  if (pending_.size() < kPendingMax || pending_.contains(key)) {
    pending_.insert(key);
  } else {
    ++counters_.pending_dropped;
  }
}

Task<void> Cache::invalidate(CancelScope& scope, std::string key) {
  if (redis_ == nullptr) {
    co_return;
  }
  const auto under_way = flights_.find(key);
  if (under_way != flights_.end()) {
    under_way->second->invalidated = true;
  }
  // From here on nobody in this process trusts Redis about the key until Redis knows.
  remember(key);
  const bool told = co_await invalidate_now(scope, key);
  if (told) {
    pending_.erase(key);
  } else if (redis_->health().state == redis::State::ready) {
    // It timed out or the request was cancelled while Redis is there: try on without the request.
    redis_is_back();
  }
}

void Cache::redis_is_back() {
  if (!pending_.empty() && !flushing_ && !background_scope_.cancelled()) {
    flushing_ = true;
    background_.spawn(invalidate_pending());
  }
}

Task<void> Cache::invalidate_pending() {
  constexpr auto kPause = std::chrono::milliseconds(200);
  while (!pending_.empty() && !background_scope_.cancelled() &&
         redis_->health().state == redis::State::ready) {
    const std::string key = *pending_.begin();
    const bool told = co_await invalidate_now(background_scope_, key);
    if (told) {
      pending_.erase(key);
      continue;
    }
    Sleep pause(background_scope_, after(loop_.now(), kPause));
    static_cast<void>(co_await pause);
  }
  flushing_ = false;
}

Task<void> Cache::close() {
  background_scope_.cancel();
  co_await background_.join();
}

}  // namespace sk::app
