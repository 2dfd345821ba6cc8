// bench-sample-report DIR: writes the sample reports to DIR as budgets.html, budgets.json and so
// on.

#include "bench/report/json.h"
#include "bench/report/page.h"
#include "bench/report/table.h"
#include "sample_report.h"

#include <cstdio>
#include <fstream>
#include <string>
#include <utility>

int main(int argc, char** argv) {
  using namespace sk::bench;
  if (argc != 2) {
    std::fputs("usage: bench-sample-report DIR\n", stderr);
    return 64;
  }
  const std::string folder = argv[1];
  const std::pair<const char*, Report (*)()> samples[] = {{"budgets", sample_budgets},
                                                          {"capacity", sample_capacity},
                                                          {"overload", sample_overload},
                                                          {"compare", sample_compare}};
  for (const auto& [name, make] : samples) {
    const Report report = make();
    std::ofstream(folder + "/" + name + ".html") << report_page(report);
    std::ofstream(folder + "/" + name + ".json") << report_json(report);
    std::fputs((report_table(report) + "\n").c_str(), stdout);
  }
  return 0;
}
