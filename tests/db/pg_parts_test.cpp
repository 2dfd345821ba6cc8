// The parts of db/pg that need no server: codecs, the statement cache, the check of statements, the
// reading of URLs.
#include "db/pg/codec.h"
#include "db/pg/connection_settings.h"
#include "db/pg/executor.h"
#include "db/pg/statement_cache.h"
#include "db/pg/statement_check.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

namespace sk::pg {
namespace {

using std::chrono::microseconds;
using namespace std::string_view_literals;

template <typename T>
T round_trip(const T& value, Oid type) {
  const Parameters parameters = make_parameters(value);
  EXPECT_EQ(parameters.size(), 1U);
  EXPECT_EQ(parameters.types()[0], type);
  T back{};
  EXPECT_TRUE(Codec<T>::decode(Cell{type, false, parameters.value(0)}, back));
  return back;
}

TEST(PgCodecTest, IntegersKeepTheirEnds) {
  for (const std::int64_t value : {std::numeric_limits<std::int64_t>::min(), std::int64_t{-1},
                                   std::int64_t{0}, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_EQ(round_trip(value, kInt8), value);
    EXPECT_EQ(round_trip(static_cast<std::int32_t>(value), kInt4),
              static_cast<std::int32_t>(value));
    EXPECT_EQ(round_trip(static_cast<std::int16_t>(value), kInt2),
              static_cast<std::int16_t>(value));
  }
  std::int64_t wide = 0;
  EXPECT_TRUE(Codec<std::int64_t>::decode(Cell{kInt2, false, "\xff\xfe"sv}, wide));
  EXPECT_EQ(wide, -2);
  EXPECT_FALSE(Codec<std::int64_t>::decode(Cell{kInt8, false, ""sv}, wide));
  EXPECT_FALSE(Codec<std::int64_t>::decode(Cell{kInt8, false, "123456789"sv}, wide));
}

TEST(PgCodecTest, FloatsKeepTheirBits) {
  for (const double value : {0.1, -0.0, std::numeric_limits<double>::infinity(),
                             std::numeric_limits<double>::denorm_min()}) {
    EXPECT_EQ(std::bit_cast<std::uint64_t>(round_trip(value, kFloat8)),
              std::bit_cast<std::uint64_t>(value));
  }
  EXPECT_TRUE(std::isnan(round_trip(std::nan(""), kFloat8)));
  double real = 0;
  EXPECT_TRUE(Codec<double>::decode(Cell{kFloat4, false, "\x3f\x00\x00\x00"sv}, real));
  EXPECT_EQ(real, 0.5);
}

TEST(PgCodecTest, TimesCountFromTheirOwnEpochAndInfinitiesStayAtTheEnds) {
  EXPECT_EQ(round_trip(Timestamp(microseconds(0)), kTimestamptz), Timestamp(microseconds(0)));
  const Timestamp y2k = std::chrono::sys_days(std::chrono::January / 1 / 2000);
  EXPECT_EQ(make_parameters(y2k).value(0), std::string(8, '\0'));
  EXPECT_EQ(round_trip(Timestamp::max(), kTimestamptz), Timestamp::max());
  EXPECT_EQ(make_parameters(Timestamp::max()).value(0), "\x7f\xff\xff\xff\xff\xff\xff\xff"sv);
  EXPECT_EQ(make_parameters(Timestamp::min()).value(0), "\x80\0\0\0\0\0\0\0"sv);
  Timestamp time;
  EXPECT_TRUE(Codec<Timestamp>::decode(Cell{kTimestamptz, false, "\x80\0\0\0\0\0\0\0"sv}, time));
  EXPECT_EQ(time, Timestamp::min());
  EXPECT_FALSE(Codec<Timestamp>::decode(Cell{kTimestamptz, false, "1234"sv}, time));
}

TEST(PgCodecTest, JsonbHasAVersionByteAndJsonHasNone) {
  EXPECT_EQ(make_parameters(Json{"{}"}).value(0), "\1{}"sv);
  EXPECT_EQ(round_trip(Json{"[1]"}, kJsonb), Json{"[1]"});
  Json document;
  EXPECT_TRUE(Codec<Json>::decode(Cell{kJson, false, "[2]"sv}, document));
  EXPECT_EQ(document, Json{"[2]"});
  EXPECT_FALSE(Codec<Json>::decode(Cell{kJsonb, false, "\2{}"sv}, document));
  EXPECT_FALSE(Codec<Json>::decode(Cell{kJsonb, false, ""sv}, document));
}

TEST(PgCodecTest, ParametersKeepTheirBytesWhenTheySpillAndMove) {
  const std::string large(5000, 'x');
  Parameters parameters = make_parameters("short", large, std::optional<std::string>(),
                                          std::optional<std::int32_t>(7), std::string());
  const Parameters moved = std::move(parameters);
  EXPECT_EQ(moved.size(), 5U);
  EXPECT_EQ(moved.value(0), "short");
  EXPECT_EQ(moved.value(1), large);
  EXPECT_TRUE(moved.is_null(2));
  EXPECT_EQ(moved.types()[2], kText);
  EXPECT_EQ(moved.value(3), "\0\0\0\7"sv);
  EXPECT_FALSE(moved.is_null(4));
  EXPECT_EQ(moved.value(4), "");
}

TEST(PgStatementCacheTest, TypesAreAPartOfTheKeyAndTheLeastRecentlyUsedLeaves) {
  StatementCache cache(2);
  std::string evicted;
  const std::vector<Oid> int4 = {kInt4};
  const std::vector<Oid> int8 = {kInt8};
  const std::uint64_t first = cache.add("select $1", int4, evicted).id;
  cache.add("select $1", int8, evicted);
  EXPECT_TRUE(evicted.empty());
  EXPECT_EQ(cache.find("select $1", int4)->id, first);  // now the more recent one
  EXPECT_EQ(cache.find("select $1", {}), nullptr);
  cache.add("select 2", {}, evicted);
  EXPECT_EQ(evicted, "sk2");
  EXPECT_NE(cache.find("select $1", int4), nullptr);
  EXPECT_EQ(cache.find("select $1", int8), nullptr);
  cache.forget(first);
  cache.forget(first);
  EXPECT_EQ(cache.find("select $1", int4), nullptr);
  EXPECT_EQ(cache.size(), 1U);
  EXPECT_EQ(cache.add("select $1", int4, evicted).name, "sk4");  // a name is never used again
}

TEST(PgStatementCheckTest, TheFirstWordDecides) {
  EXPECT_EQ(session_statement("BEGIN"), "BEGIN");
  EXPECT_EQ(session_statement("\n\t /* x */ -- y\n Set a = 1"), "Set");
  EXPECT_EQ(session_statement("/* a /* nested */ b */commit"), "commit");
  for (const char* sql : {"", "select 1", "settle", "insert into begin values (1)", "/* begin",
                          "--", "with x as (select 1) select * from x", "/", "*", "("}) {
    EXPECT_EQ(session_statement(sql), "") << sql;
  }
}

std::string option(const ConnectionSettings& settings, const std::string& name) {
  for (const auto& [key, value] : settings.options) {
    if (key == name) {
      return value;
    }
  }
  return "";
}

ConnectionSettings settings_of(std::string url) {
  Config config;
  config.url = std::move(url);
  Result<ConnectionSettings> made = make_settings(config);
  EXPECT_TRUE(made) << made.error().message;
  return made ? *made : ConnectionSettings{{Host{}}, {}, ""};
}

TEST(PgSettingsTest, WhatTheUrlSaysWinsAndTheRestIsSafe) {
  const ConnectionSettings settings =
      settings_of("postgresql://u:p%40@a.test:6000/d?sslmode=verify-full&options=-c%20x.y%3D1");
  ASSERT_EQ(settings.hosts.size(), 1U);
  EXPECT_EQ(settings.hosts[0].name, "a.test");
  EXPECT_EQ(settings.hosts[0].port, "6000");
  EXPECT_TRUE(settings.hosts[0].needs_lookup());
  EXPECT_EQ(option(settings, "user"), "u");
  EXPECT_EQ(option(settings, "password"), "p@");
  EXPECT_EQ(option(settings, "sslmode"), "verify-full");
  EXPECT_EQ(option(settings, "gssencmode"), "disable");
  EXPECT_EQ(option(settings, "target_session_attrs"), "read-write");
  EXPECT_EQ(option(settings, "options"), "-c x.y=1 -c statement_timeout=5000");
  EXPECT_EQ(option(settings, "host"), "");
  EXPECT_EQ(settings.place(), "a.test:6000");
}

TEST(PgSettingsTest, ACaFileMeansFullVerificationOfADatabaseElsewhere) {
  Config config;
  config.tls_ca_file = "/nonexistent/ca.pem";
  const auto with = [&](const char* url) {
    config.url = url;
    return *make_settings(config);
  };
  const ConnectionSettings elsewhere = with("postgresql://u@db.test/d");
  EXPECT_EQ(option(elsewhere, "sslmode"), "verify-full");
  EXPECT_EQ(option(elsewhere, "sslrootcert"), "/nonexistent/ca.pem");
  EXPECT_EQ(elsewhere.needed_ca_file, "/nonexistent/ca.pem");
  for (const char* here : {"postgresql://u@localhost/d", "postgresql://u@127.0.0.1/d",
                           "postgresql://u@[::1]/d", "host=/run/postgresql dbname=d"}) {
    EXPECT_NE(option(with(here), "sslmode"), "verify-full") << here;
    EXPECT_EQ(with(here).needed_ca_file, "") << here;
  }
  const ConnectionSettings chosen = with("postgresql://u@db.test/d?sslmode=require");
  EXPECT_EQ(option(chosen, "sslmode"), "require");
  const ConnectionSettings own =
      with("postgresql://u@db.test/d?sslmode=verify-ca&sslrootcert=/other.pem");
  EXPECT_EQ(own.needed_ca_file, "/other.pem");
  EXPECT_EQ(with("postgresql://u@db.test/d?sslmode=verify-full&sslrootcert=system").needed_ca_file,
            "");
}

TEST(PgSettingsTest, SeveralHostsPairWithTheirPorts) {
  const ConnectionSettings settings =
      settings_of("host=a,b,/run/pg port=1,2,3 target_session_attrs=any");
  ASSERT_EQ(settings.hosts.size(), 3U);
  EXPECT_EQ(settings.hosts[1].name, "b");
  EXPECT_EQ(settings.hosts[1].port, "2");
  EXPECT_FALSE(settings.hosts[2].needs_lookup());
  EXPECT_EQ(option(settings, "target_session_attrs"), "any");
}

TEST(PgSettingsTest, TheEnvironmentFillsTheGaps) {
  ::setenv("PGHOST", "env.test", 1);
  ::setenv("PGDATABASE", "envdb", 1);
  const ConnectionSettings all = settings_of("");
  EXPECT_EQ(all.hosts[0].name, "env.test");
  EXPECT_EQ(option(all, "dbname"), "envdb");
  const ConnectionSettings some = settings_of("postgresql://b.test/");
  EXPECT_EQ(some.hosts[0].name, "b.test");
  EXPECT_EQ(option(some, "dbname"), "envdb");
  ::unsetenv("PGHOST");
  ::unsetenv("PGDATABASE");
}

TEST(PgSettingsTest, MistakesAreNamed) {
  const auto message = [](std::string url) {
    Config config;
    config.url = std::move(url);
    const Result<ConnectionSettings> made = make_settings(config);
    return made ? std::string("none") : made.error().message;
  };
  EXPECT_NE(message("postgresql://h/d?nonsense=1").find("nonsense"), std::string::npos);
  EXPECT_NE(message("host=a,b port=1,2,3").find("3 ports for 2 hosts"), std::string::npos);
  EXPECT_NE(message("host=a,b hostaddr=127.0.0.1").find("different numbers"), std::string::npos);
  EXPECT_NE(message("service=x").find("service"), std::string::npos);
}

TEST(PgErrorTest, StatesHaveTheirKinds) {
  EXPECT_EQ(kind_of_sqlstate("23505"), ErrorKind::unique_violation);
  EXPECT_EQ(kind_of_sqlstate("57P01"), ErrorKind::unavailable);
  EXPECT_EQ(kind_of_sqlstate("57014"), ErrorKind::timeout);
  EXPECT_EQ(kind_of_sqlstate("40P01"), ErrorKind::serialization_failure);
  EXPECT_EQ(kind_of_sqlstate("42601"), ErrorKind::rejected);
  EXPECT_EQ(kind_of_sqlstate(""), ErrorKind::rejected);
}

}  // namespace
}  // namespace sk::pg
