#include "app/health.h"

#include "net/core/struct_fields.h"
#include "net/io/loop.h"

#include "db/pg/client.h"
#include "db/redis/client.h"

namespace sk::app {

// The document of all three. Not in an unnamed namespace: SK_FIELDS is found by its struct's.
struct HealthDocument {
  std::string_view status;
  std::string_view postgres;
  std::string_view redis;
};
SK_FIELDS(HealthDocument, status, postgres, redis)

namespace {

// PostgreSQL's and Redis' clients tell the same things by the same names.
template <typename Client>
DependencyHealth dependency(const Client* client, bool required, Instant now) {
  DependencyHealth out;
  if (client == nullptr) {
    if (required) {
      out.state = "required, but not configured";
      out.ready = false;
      out.has_answered = false;
    }
    return out;
  }
  using State = std::remove_cvref_t<decltype(client->health().state)>;
  const auto& health = client->health();
  out.state = to_string(health.state);
  out.configured = true;
  out.ready = health.state == State::ready;
  out.has_answered = health.has_answered;
  out.refused_for_long =
      health.state == State::password_refused && now - health.since >= kRefusedMax;
  return out;
}

}  // namespace

bool HealthReport::healthy() const {
  return !stopping && postgres.has_answered && redis.has_answered && !postgres.refused_for_long &&
         !redis.refused_for_long;
}

bool HealthReport::ready() const { return !stopping && postgres.ready && redis.ready; }

HealthReport health_of(const Services& services, bool stopping) {
  const Instant now = services.loop.now();
  return HealthReport{.stopping = stopping,
                      .postgres = dependency(services.pg, services.config.database.required, now),
                      .redis = dependency(services.redis, services.config.redis.required, now)};
}

std::optional<Response> answer_health(std::string_view path, const HealthReport& report) {
  bool good = true;
  if (path == "/healthz") {
    good = report.healthy();
  } else if (path == "/readyz") {
    good = report.ready();
  } else if (path != "/livez") {
    return std::nullopt;
  }
  const std::string_view bad = report.stopping ? "stopping" : "unavailable";
  return json(good ? 200 : 503, HealthDocument{.status = good ? "ok" : bad,
                                               .postgres = report.postgres.state,
                                               .redis = report.redis.state})
      .header(HeaderId::cache_control, "no-store");
}

}  // namespace sk::app
