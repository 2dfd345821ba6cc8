// Table, JSON and page of the same report: what they say, and that nothing from outside breaks out.
// What a browser makes of the page is tested in tests/bench/test_report_page.py.

#include "bench/report/html.h"
#include "bench/report/json.h"
#include "bench/report/judge.h"
#include "bench/report/page.h"
#include "bench/report/table.h"
#include "bench/report/text.h"
#include "sample_report.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <string>

namespace sk::bench {
namespace {

using namespace std::chrono_literals;

const Report& budgets() {
  static const Report report = sample_budgets();
  return report;
}

TEST(ReportText, DurationsHaveThreeDigitsAndTheUnitThatFits) {
  EXPECT_EQ(duration_text(0ns), "0 ms");
  EXPECT_EQ(duration_text(412ns), "0.412 us");
  EXPECT_EQ(duration_text(85'300ns), "85.3 us");
  EXPECT_EQ(duration_text(412us), "0.412 ms");
  EXPECT_EQ(duration_text(8ms), "8 ms");
  EXPECT_EQ(duration_text(31'240us), "31.2 ms");
  EXPECT_EQ(duration_text(999'499us), "999 ms");
  EXPECT_EQ(duration_text(999'501us), "1 s");
  EXPECT_EQ(duration_text(1'254ms), "1.25 s");
  EXPECT_EQ(duration_text(100s), "100 s");
}

TEST(ReportText, SharesNeverRoundUpToAll) {
  EXPECT_EQ(percent_text(1), "100 %");
  EXPECT_EQ(percent_text(0.9999999), "> 99.999 %");
  EXPECT_EQ(percent_text(0.9997), "99.970 %");
  EXPECT_EQ(percent_text(0), "0 %");
  EXPECT_EQ(percent_text(1e-9), "< 0.001 %");
}

TEST(ReportText, NamesAreOneLineOfBoundedLength) {
  EXPECT_EQ(display_name("a\nb\x1b[31m\x7f"), "a?b?[31m?");
  EXPECT_EQ(display_name("a\xc2\x9b"
                         "31m"),
            "a?31m");
  const std::string cut = display_name(std::string(127, 'x') + "\xc3\xa4" + "tail");
  EXPECT_EQ(cut, std::string(127, 'x') + "\xe2\x80\xa6");  // not half of the umlaut
  EXPECT_EQ(display_name(std::string(128, 'x')), std::string(128, 'x'));
}

TEST(ReportText, CountsHaveCommas) {
  EXPECT_EQ(count_text(7), "7");
  EXPECT_EQ(count_text(1'000), "1,000");
  EXPECT_EQ(count_text(12'345'678), "12,345,678");
}

TEST(ReportHtml, MarkupIsEscapedInContentAndAttributes) {
  EXPECT_EQ(html_text("<a href=\"x\" b='&'>"), "&lt;a href=&quot;x&quot; b=&#39;&amp;&#39;&gt;");
  EXPECT_EQ(html_name("a\x1b<"), "a?&lt;");
}

TEST(ReportTable, NamesRouteLevelAndStageOfWhatWasViolated) {
  const std::string table = report_table(budgets());
  EXPECT_NE(table.find("FAIL  orders.write  p99"), std::string::npos) << table;
  EXPECT_NE(table.find("top stage pg_pool"), std::string::npos);
  EXPECT_NE(table.find("INCONCLUSIVE  search  p99.9"), std::string::npos);
  EXPECT_NE(table.find("about 10,000 would do"), std::string::npos);
  EXPECT_TRUE(table.ends_with("FAIL (exit code 1)\n")) << table;
}

TEST(ReportTable, HoldsNoControlBytesFromOutside) {
  const std::string table = report_table(budgets());
  EXPECT_EQ(table.find('\x1b'), std::string::npos);
  EXPECT_NE(report_table(budgets(), true).find("\x1b[31;1mFAIL\x1b[0m"), std::string::npos);
}

TEST(ReportTable, SaysWhyARunIsInvalid) {
  Report report = budgets();
  report.invalid_reasons.push_back("the generator was late");
  const std::string table = report_table(report);
  EXPECT_NE(table.find("INVALID  the generator was late\n"), std::string::npos);
  EXPECT_TRUE(table.ends_with("INVALID (exit code 3)\n"));
}

TEST(ReportJson, IsValidAndHasTheVerdictsNumbers) {
  simdjson::dom::parser parser;
  const simdjson::padded_string text(report_json(budgets()));
  simdjson::dom::element document;
  ASSERT_EQ(parser.parse(text).get(document), simdjson::SUCCESS);
  EXPECT_EQ(document["format"].get_int64().value(), kJsonFormat);
  EXPECT_EQ(document["outcome"].get_string().value(), "FAIL");
  EXPECT_EQ(document["exit_code"].get_int64().value(), 1);
  const auto route = document["routes"].at(1);
  EXPECT_EQ(route["name"].get_string().value(), "orders.write");
  EXPECT_EQ(route["budget_ms"]["p99"].get_double().value(), 80.0);
  const auto verdict = route["verdicts"].at(1);
  const LevelVerdict& truth = budgets().routes[1].verdicts[1];
  EXPECT_EQ(verdict["level"].get_string().value(), "p99");
  EXPECT_EQ(verdict["exceedances"].get_uint64().value(), truth.exceedances);
  EXPECT_EQ(verdict["pass_max"].get_uint64().value(), *truth.pass_max);
  EXPECT_EQ(verdict["top_stage"]["name"].get_string().value(), "pg_pool");
  EXPECT_EQ(document["routes"].at(3)["name"].get_string().value(), kHostileName);
}

TEST(ReportJson, OtherModesHaveTheirNumbers) {
  for (const auto& [report, field] : {std::pair{sample_capacity(), "capacity"},
                                      {sample_overload(), "overload"},
                                      {sample_compare(), "compare"}}) {
    simdjson::dom::parser parser;
    const simdjson::padded_string text(report_json(report));
    simdjson::dom::element document;
    ASSERT_EQ(parser.parse(text).get(document), simdjson::SUCCESS) << field;
    EXPECT_TRUE(document[field].is_object()) << field;
    EXPECT_EQ(document["settings"]["mode"].get_string().value(), field);
  }
}

TEST(ReportPage, NeedsNothingFromOutsideAndRunsNothing) {
  for (const Report& report : {budgets(), sample_capacity(), sample_overload(), sample_compare()}) {
    const std::string page = report_page(report);
    EXPECT_EQ(page.find("<script"), std::string::npos);
    EXPECT_EQ(page.find(" src="), std::string::npos);
    EXPECT_EQ(page.find("url("), std::string::npos);
    EXPECT_EQ(page.find("@import"), std::string::npos);
    EXPECT_EQ(page.find(" on"
                        "load="),
              std::string::npos);
    EXPECT_EQ(page.find('\x1b'), std::string::npos);
    EXPECT_NE(page.find("default-src 'none'"), std::string::npos);
  }
}

TEST(ReportPage, EveryChartHasATitleAndADescription) {
  const std::string page = report_page(budgets());
  std::size_t charts = 0;
  for (std::size_t at = page.find("<svg class=\"chart"); at != std::string::npos;
       at = page.find("<svg class=\"chart", at + 1)) {
    ++charts;
    const std::string_view head = std::string_view(page).substr(at, 900);
    EXPECT_NE(head.find("role=\"img\""), std::string::npos);
    EXPECT_NE(head.find("<title id="), std::string::npos);
    EXPECT_NE(head.find("<desc id="), std::string::npos);
  }
  EXPECT_EQ(charts, 4U * 3);  // percentiles, time and stages of four routes
}

TEST(ReportPage, IsMadeOfAnEmptyReportToo) {
  Report report;
  judge(report);
  EXPECT_NE(report_page(report).find("</html>"), std::string::npos);
  RouteReport& route = report.routes.emplace_back();
  route.name = "idle";
  route.budget.limits[0] = 5ms;
  judge(report);
  EXPECT_NE(report_page(report).find("no request was sent"), std::string::npos);
  EXPECT_NE(report_table(report).find("INVALID"), std::string::npos);
  EXPECT_NE(report_json(report).find("\"INVALID\""), std::string::npos);
}

}  // namespace
}  // namespace sk::bench
