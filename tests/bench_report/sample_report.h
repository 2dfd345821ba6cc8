// Reports with numbers that look like those of a service, recorded request by request from a seed:
// for the tests of table, JSON and page, and for a look at the page.
#pragma once

#include "bench/report/model.h"

namespace sk::bench {

// Four routes: one keeps its budget, one violates it in pg_pool, one has too few requests, one has
// no budget and a hostile name. Judged.
Report sample_budgets();

Report sample_capacity();
Report sample_overload();
Report sample_compare();

// What a route and a server could be named by somebody who means ill.
inline constexpr const char* kHostileName = "</title><script>document.title='owned'</script>\"'&";

}  // namespace sk::bench
