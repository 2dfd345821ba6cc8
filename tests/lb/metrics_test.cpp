// Histograms keep their promised error, and the exposition is what Prometheus reads.
#include "lb/metric_names.h"
#include "lb/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <regex>
#include <set>
#include <sstream>

namespace sk::lb {
namespace {

TEST(Histogram, BucketsAreContiguousAndAtMostThreePercentWide) {
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    const std::uint64_t low = Histogram::lower_bound(bucket);
    const std::uint64_t next = Histogram::lower_bound(bucket + 1);
    ASSERT_LT(low, next);
    EXPECT_EQ(Histogram::bucket_of(low), bucket);
    EXPECT_EQ(Histogram::bucket_of(next - 1), bucket);
    if (low >= 32) {
      EXPECT_LE(static_cast<double>(next - low), static_cast<double>(low) * 0.0313);
    }
  }
  EXPECT_EQ(Histogram::bucket_of(UINT64_MAX), Histogram::kBuckets - 1);
}

TEST(Histogram, QuantilesOfAnEvenSpreadAreWithinTheError) {
  Histogram histogram;
  for (int us = 1; us <= 100'000; ++us) {
    histogram.record(std::chrono::microseconds(us));
  }
  HistogramSum sum;
  sum.add(histogram);
  EXPECT_EQ(sum.count(), 100'000U);
  EXPECT_EQ(sum.sum_us(), std::uint64_t{100'000} * 100'001 / 2);
  for (const double quantile : {0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    EXPECT_NEAR(static_cast<double>(sum.quantile_us(quantile)), quantile * 100'000,
                quantile * 100'000 * 0.032 + 1);
  }
  EXPECT_EQ(sum.below(1024), 1023U);
  EXPECT_EQ(HistogramSum().quantile_us(0.5), 0U);
}

TEST(Histogram, SumsOfThreadsAreTheWhole) {
  std::mt19937 random(7);
  Histogram parts[4];
  Histogram whole;
  for (int round = 0; round < 10'000; ++round) {
    const Duration value(static_cast<std::int64_t>(random()) - 1000);
    parts[random() % 4].record(value);
    whole.record(value);
  }
  HistogramSum of_parts;
  for (const Histogram& part : parts) {
    of_parts.add(part);
  }
  HistogramSum of_whole;
  of_whole.add(whole);
  for (const double quantile : {0.1, 0.5, 0.99}) {
    EXPECT_EQ(of_parts.quantile_us(quantile), of_whole.quantile_us(quantile));
  }
  EXPECT_EQ(of_parts.sum_us(), of_whole.sum_us());
}

TEST(Metrics, PrintWhatPrometheusReads) {
  Config config;
  config.routes.resize(2);
  config.routes[0].host = "a\"b\\c";
  config.routes[1].path = "/v1/*";
  Metrics metrics(config, 2);
  metrics.thread(0).routes[1].by_class[2].add(3);
  metrics.thread(1).routes[1].by_class[2].add(4);
  metrics.thread(1).routes[1].duration.record(std::chrono::milliseconds(3));
  metrics.thread(0).rejected[431].add();
  metrics.thread(0).connections_opened.add(5);
  metrics.thread(1).connections_closed.add(2);
  metrics.thread(0).own_answers[static_cast<std::size_t>(OwnAnswer::no_worker)].add();
  PrometheusText out;
  metrics.print(out);
  const std::string text = out.take();

  const std::regex sample(
      R"x([a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? [0-9.]+)x");
  std::set<std::string> seen;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("# ")) {
      EXPECT_TRUE(std::regex_match(line, sample)) << line;
      EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second) << "twice: " << line;
    }
  }
  for (const char* expected :
       {"sidekick_requests_total{route=\"/v1/*\",class=\"2xx\"} 7\n",
        "sidekick_requests_total{route=\"a\\\"b\\\\c/*\",class=\"2xx\"} 0\n",
        "sidekick_requests_total{route=\"none\",class=\"5xx\"} 0\n",
        "sidekick_request_duration_seconds_bucket{route=\"/v1/*\",le=\"0.002048\"} 0\n",
        "sidekick_request_duration_seconds_bucket{route=\"/v1/*\",le=\"0.004096\"} 1\n",
        "sidekick_request_duration_seconds_bucket{route=\"/v1/*\",le=\"+Inf\"} 1\n",
        "sidekick_request_duration_seconds_sum{route=\"/v1/*\"} 0.003\n",
        "sidekick_request_duration_seconds_count{route=\"/v1/*\"} 1\n",
        "sidekick_rejected_total{status=\"431\"} 1\n", "sidekick_connections 3\n",
        "sidekick_own_answers_total{reason=\"no_worker\"} 1\n",
        "# TYPE sidekick_request_duration_seconds histogram\n"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected << text;
  }
}

TEST(OwnAnswer, EveryReasonHasItsOwnTextAndAnErrorStatus) {
  std::set<std::string_view> reasons;
  for (std::size_t index = 0; index < kOwnAnswers; ++index) {
    const OwnAnswerText& text = text_of(static_cast<OwnAnswer>(index));
    EXPECT_TRUE(reasons.insert(text.reason).second) << text.reason;
    EXPECT_GE(text.status, 400);
    EXPECT_LT(text.status, 600);
    EXPECT_FALSE(text.title.empty());
    EXPECT_EQ(text.retry_after_s > 0, text.status == 503) << text.reason;
  }
  EXPECT_EQ(text_of(OwnAnswer::internal).reason, "internal");
  EXPECT_EQ(text_of(OwnAnswer::draining).reason, "draining");
}

TEST(OwnAnswer, ErrorsBecomeTheirStatus) {
  const auto status = [](ErrorCode code, bool connecting) {
    return text_of(answer_for(Error{code, ErrorOrigin::upstream, 0, ""}, connecting)).status;
  };
  EXPECT_EQ(status(ErrorCode::timeout, true), 504);
  EXPECT_EQ(status(ErrorCode::deadline, false), 504);
  EXPECT_EQ(status(ErrorCode::reset, false), 502);
  EXPECT_EQ(status(ErrorCode::closed, false), 502);
  EXPECT_EQ(status(ErrorCode::malformed, false), 502);
  EXPECT_EQ(status(ErrorCode::unavailable, false), 503);
  EXPECT_EQ(status(ErrorCode::overloaded, false), 503);
  EXPECT_EQ(status(ErrorCode::internal, false), 500);
}

}  // namespace
}  // namespace sk::lb
