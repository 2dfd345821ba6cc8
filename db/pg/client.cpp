#include "db/pg/client.h"

#include "net/io/backoff.h"
#include "net/io/event.h"
#include "net/io/resolver.h"
#include "net/io/task_group.h"

#include "db/pg/connection.h"
#include "db/pg/lane.h"
#include "db/pg/statement_check.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace sk::pg {
namespace {

Error out_of_service(const Health& health) {
  return make_error(ErrorKind::unavailable, "the database is away: " + health.reason);
}

bool is_password_trouble(const Error& error) {
  return error.sqlstate() == "28P01" || error.sqlstate() == "28000";
}

Config checked(Config config) {
  config.lanes = std::clamp<std::size_t>(config.lanes, 1, 16);
  config.in_flight_max = std::max<std::size_t>(config.in_flight_max, 1);
  config.statements_max = std::max<std::size_t>(config.statements_max, 1);
  config.statement_timeout = std::max(config.statement_timeout, std::chrono::milliseconds(1));
  return config;
}

}  // namespace

std::string_view to_string(State state) {
  switch (state) {
    case State::connecting:
      return "connecting";
    case State::ready:
      return "ready";
    case State::unreachable:
      return "unreachable";
    case State::password_refused:
      return "password_refused";
  }
  return "unknown";
}

// One coroutine (keep_connected) makes connections, one at a time, whenever fewer lanes than wanted
// are in service: so there is never more than one probe. Each lane answers in a coroutine of its
// own and leaves lanes_ when that ends. A statement is in exactly one of: queue_, a slot of a lane,
// or finished. Statements wait in queue_ while lanes are full, and while the first attempt to
// connect after a healthy time is under way; once an attempt has failed and no lane is left, they
// fail.
struct Client::Inner final : LaneOwner, ReadyNode {
  Inner(Loop& the_loop, Resolver& the_resolver, Config the_config, ConnectionSettings the_settings)
      : ReadyNode(turn_ended),
        loop(the_loop),
        resolver(the_resolver),
        config(std::move(the_config)),
        settings(std::move(the_settings)),
        scope(loop),
        group(loop),
        lanes_wanted(loop),
        backoff(config.backoff_min, config.backoff_max) {
    health.since = loop.now();
  }

  // --- statements ---
  void submit(Query& query);
  void withdraw(Query& query);
  Lane* least_busy();
  void send_queue();
  void fail_queue(const Error& error);
  void send_soon() { loop.at_turn_end(*this); }
  static void turn_ended(ReadyNode& node) { static_cast<Inner&>(node).send_queue(); }

  // --- LaneOwner ---
  void lane_left(Lane& lane, bool broken, const std::string& reason) override;
  void lane_has_room(Lane& lane) override;
  void send_again(Query& query) override;

  // --- connections ---
  Task<void> keep_connected();
  Task<void> run_lane(std::unique_ptr<Lane> lane);
  void connected(Connection connection);
  void attempt_failed(const Error& error);
  void set_state(State state, const std::string& reason);
  [[nodiscard]] std::size_t lanes_in_service() const;
  void limit_quarantine();

  // Set once.
  Loop& loop;
  Resolver& resolver;
  const Config config;
  const ConnectionSettings settings;
  std::function<void(const Health&)> on_change;

  CancelScope scope;
  TaskGroup group;
  Event lanes_wanted;
  Backoff backoff;
  Instant connected_at;
  bool started = false;
  bool closing = false;
  std::vector<Lane*> lanes;  // alive, oldest first, including those out of service
  IntrusiveList<Query, QueueTag> queue;
  std::size_t queued = 0;
  Health health;
  Counters counters;
};

// --- statements ---

void Client::Inner::submit(Query& query) {
  if (const std::string_view word = session_statement(query.sql()); !word.empty()) {
    query.fail(make_error(ErrorKind::unsupported,
                          std::string(word) + " would change a connection that others share"));
    return;
  }
  if (closing) {
    query.fail(make_error(ErrorKind::unavailable, "the client was closed"));
    return;
  }
  if (lanes_in_service() == 0 && health.state != State::connecting) {
    query.fail(out_of_service(health));
    return;
  }
  if (queued >= config.queue_max) {
    ++counters.overloaded;
    query.fail(make_error(ErrorKind::overloaded,
                          std::to_string(queued) + " statements are waiting already"));
    return;
  }
  queue.push_back(query);
  ++queued;
  send_soon();
}

void Client::Inner::withdraw(Query& query) {
  ListHook<QueueTag>& place_in_queue = query;
  if (place_in_queue.linked()) {
    place_in_queue.unlink();
    --queued;
    return;
  }
  if (query.place != nullptr) {
    static_cast<Lane*>(query.place)->withdraw(query);
  }
}

Lane* Client::Inner::least_busy() {
  Lane* best = nullptr;
  for (Lane* lane : lanes) {
    if (lane->has_room() && (best == nullptr || lane->in_flight() < best->in_flight())) {
      best = lane;
    }
  }
  return best;
}

void Client::Inner::send_queue() {
  while (!queue.empty()) {
    Lane* lane = least_busy();
    if (lane == nullptr) {
      break;
    }
    --queued;
    lane->send(queue.pop_front());
  }
  for (Lane* lane : lanes) {
    lane->flush();
  }
}

void Client::Inner::fail_queue(const Error& error) {
  while (!queue.empty()) {
    --queued;
    queue.pop_front().fail(error);
  }
}

// --- LaneOwner ---

void Client::Inner::lane_left(Lane& lane, bool broken, const std::string& reason) {
  static_cast<void>(lane);
  if (broken) {
    ++counters.lost;
  } else {
    limit_quarantine();
  }
  if (lanes_in_service() == 0 && !closing) {
    // Statements wait for the attempt that begins now; if it fails, they do.
    set_state(State::connecting, reason);
  }
  lanes_wanted.set();
}

void Client::Inner::lane_has_room(Lane& lane) {
  static_cast<void>(lane);
  if (!queue.empty()) {
    send_soon();
  }
}

void Client::Inner::send_again(Query& query) {
  queue.push_front(query);  // it has waited longest
  ++queued;
  send_soon();
}

// --- connections ---

std::size_t Client::Inner::lanes_in_service() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(lanes, [](const Lane* lane) { return lane->in_service(); }));
}

// At most as many lanes in quarantine as in service: the oldest has to go.
void Client::Inner::limit_quarantine() {
  const std::size_t quarantined = lanes.size() - lanes_in_service();
  if (quarantined <= config.lanes) {
    return;
  }
  const auto oldest =
      std::ranges::find_if(lanes, [](const Lane* lane) { return !lane->in_service(); });
  (*oldest)->break_off("too many connections wait for late answers");
}

Task<void> Client::Inner::keep_connected() {
  while (!scope.cancelled()) {
    if (lanes_in_service() >= config.lanes) {
      const sk::Result<void> ignored = co_await lanes_wanted.wait(scope);
      static_cast<void>(ignored);
      continue;
    }
    // A server that accepts and then breaks at once must not be asked in a busy loop.
    const bool too_soon = counters.connects > 0 && counters.lost > 0 && lanes_in_service() == 0 &&
                          loop.now() - connected_at < Duration(config.backoff_min);
    if (too_soon) {
      const sk::Result<void> ignored = co_await Sleep(scope, after(loop.now(), backoff.next(loop)));
      static_cast<void>(ignored);
    }
    const Instant until = after(loop.now(), config.connect_timeout);
    Result<Connection> made = co_await connect(loop, resolver, settings, scope, until);
    if (scope.cancelled()) {
      break;
    }
    if (made) {
      connected(std::move(*made));
      continue;
    }
    attempt_failed(made.error());
    const sk::Result<void> ignored = co_await Sleep(scope, after(loop.now(), backoff.next(loop)));
    static_cast<void>(ignored);
  }
}

void Client::Inner::connected(Connection connection) {
  auto lane = std::make_unique<Lane>(*this, loop, config, counters, std::move(connection));
  if (!lane->enter_pipeline()) {
    attempt_failed(make_error(ErrorKind::unavailable, "libpq refuses pipeline mode"));
    return;
  }
  ++counters.connects;
  connected_at = loop.now();
  backoff.reset();
  health.has_answered = true;
  lanes.push_back(lane.get());
  group.spawn(run_lane(std::move(lane)));
  set_state(State::ready, "");
  send_soon();
}

Task<void> Client::Inner::run_lane(std::unique_ptr<Lane> lane) {
  co_await lane->serve(scope);
  std::erase(lanes, lane.get());
}

void Client::Inner::attempt_failed(const Error& error) {
  ++counters.connect_failures;
  if (lanes_in_service() > 0) {
    return;  // fewer lanes than wanted, but the database is there
  }
  set_state(is_password_trouble(error) ? State::password_refused : State::unreachable,
            settings.place() + ": " + error.message);
  fail_queue(out_of_service(health));
}

void Client::Inner::set_state(State state, const std::string& reason) {
  // The text of a reason varies between addresses and attempts: that alone is no news.
  const bool news = health.state != state;
  health.reason = reason;
  if (!news) {
    return;
  }
  health.state = state;
  health.since = loop.now();
  if (on_change) {
    on_change(health);
  }
}

// --- Client ---

Result<std::unique_ptr<Client>> Client::create(Loop& loop, Resolver& resolver, Config config) {
  Result<ConnectionSettings> settings = make_settings(config);
  if (!settings) {
    return std::unexpected(std::move(settings.error()));
  }
  config = checked(std::move(config));
  const Duration timeout = config.statement_timeout;
  auto inner = std::make_unique<Inner>(loop, resolver, std::move(config), std::move(*settings));
  return std::unique_ptr<Client>(new Client(std::move(inner), timeout));
}

Client::Client(std::unique_ptr<Inner> inner, Duration timeout)
    : Executor(timeout), inner_(std::move(inner)) {}

Client::~Client() { SK_ASSERT(inner_->group.live() == 0); }

void Client::start(std::function<void(const Health&)> on_change) {
  SK_ASSERT(!inner_->started);
  inner_->started = true;
  inner_->on_change = std::move(on_change);
  inner_->group.spawn(inner_->keep_connected());
}

Task<void> Client::close() {
  inner_->closing = true;
  inner_->fail_queue(make_error(ErrorKind::unavailable, "the client was closed"));
  inner_->scope.cancel();
  co_await inner_->group.join();
}

const Health& Client::health() const { return inner_->health; }
const Counters& Client::counters() const { return inner_->counters; }
std::size_t Client::queued() const { return inner_->queued; }

std::size_t Client::in_flight() const {
  std::size_t sum = 0;
  for (const Lane* lane : inner_->lanes) {
    sum += lane->in_flight();
  }
  return sum;
}

void Client::submit(Query& query) { inner_->submit(query); }
void Client::withdraw(Query& query) { inner_->withdraw(query); }

}  // namespace sk::pg
