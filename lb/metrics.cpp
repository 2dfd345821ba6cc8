#include "lb/metrics.h"

#include "net/core/assert.h"

#include "lb/metric_names.h"

namespace sk::lb {
namespace {

constexpr std::array<std::string_view, 6> kClasses = {"aborted", "1xx", "2xx", "3xx", "4xx", "5xx"};

}  // namespace

void BudgetMetrics::count(const BudgetVerdict& verdict) {
  requests.add();
  for (std::size_t limit = 0; limit < kLimits.size(); ++limit) {
    if (verdict.over[limit]) {
      over[limit].add();
      top_stage[limit][static_cast<std::size_t>(verdict.top)].add();
    }
  }
  for (std::size_t stage = 0; stage < kStages; ++stage) {
    const Duration spent = verdict.times[static_cast<Stage>(stage)];
    stage_us[stage].add(static_cast<std::uint64_t>(spent / std::chrono::microseconds(1)));
  }
}

ThreadMetrics::ThreadMetrics(const std::vector<RouteConfig>& route_configs)
    : routes(route_configs.size() + 1) {
  for (std::size_t route = 0; route < route_configs.size(); ++route) {
    if (route_configs[route].budget) {
      routes[route].budget = std::make_unique<BudgetMetrics>();
    }
  }
}

Metrics::Metrics(const Config& config, std::size_t threads) {
  for (const RouteConfig& route : config.routes) {
    route_names_.push_back(route.host + route.path);
    budgets_.push_back(route.budget);
  }
  route_names_.emplace_back("none");
  for (std::size_t index = 0; index < threads; ++index) {
    threads_.push_back(std::make_unique<ThreadMetrics>(config.routes));
  }
}

void Metrics::print(PrometheusText& out) const {
  const auto sum = [this](auto get) {
    std::uint64_t total = 0;
    for (const auto& thread : threads_) {
      total += get(*thread).read();
    }
    return total;
  };
  const auto histograms = [&](const metric::Family& family, auto get) {
    out.family(family);
    for (std::size_t route = 0; route < route_names_.size(); ++route) {
      HistogramSum total;
      for (const auto& thread : threads_) {
        total.add(get(thread->routes[route]));
      }
      out.histogram({{"route", route_names_[route]}}, total);
    }
  };

  out.family(metric::kRequests);
  for (std::size_t route = 0; route < route_names_.size(); ++route) {
    for (std::size_t index = 0; index < kClasses.size(); ++index) {
      out.sample({{"route", route_names_[route]}, {"class", kClasses[index]}},
                 sum([=](const ThreadMetrics& thread) -> const Cell& {
                   return thread.routes[route].by_class[index];
                 }));
    }
  }
  histograms(metric::kDuration,
             [](const RouteMetrics& route) -> const Histogram& { return route.duration; });
  histograms(metric::kUpstreamDuration,
             [](const RouteMetrics& route) -> const Histogram& { return route.upstream_header; });
  print_budgets(out);
  out.family(metric::kResponseBytes);
  for (std::size_t route = 0; route < route_names_.size(); ++route) {
    out.sample({{"route", route_names_[route]}},
               sum([=](const ThreadMetrics& thread) -> const Cell& {
                 return thread.routes[route].response_bytes;
               }));
  }
  out.family(metric::kOwnAnswers);
  for (std::size_t index = 0; index < kOwnAnswers; ++index) {
    out.sample(
        {{"reason", text_of(static_cast<OwnAnswer>(index)).reason}},
        sum([=](const ThreadMetrics& thread) -> const Cell& { return thread.own_answers[index]; }));
  }
  out.family(metric::kRejected);
  for (std::size_t status = 0; status < 600; ++status) {
    const std::uint64_t count =
        sum([=](const ThreadMetrics& thread) -> const Cell& { return thread.rejected[status]; });
    if (count > 0) {
      out.sample({{"status", std::to_string(status)}}, count);
    }
  }
  const auto counter = [&](std::initializer_list<PrometheusText::Label> labels,
                           Cell ThreadMetrics::* cell) {
    out.sample(labels,
               sum([=](const ThreadMetrics& thread) -> const Cell& { return thread.*cell; }));
  };
  out.family(metric::kRetries);
  counter({}, &ThreadMetrics::retries);
  out.family(metric::kConnections);
  counter({}, &ThreadMetrics::connections_opened);
  out.family(metric::kConnectionsOpen);
  out.sample({}, connections_open());
  out.family(metric::kHandshakes);
  counter({{"outcome", "done"}}, &ThreadMetrics::handshakes_done);
  counter({{"outcome", "failed"}}, &ThreadMetrics::handshakes_failed);
  out.family(metric::kUpstreamConnects);
  counter({{"kind", "opened"}}, &ThreadMetrics::upstream_opened);
  counter({{"kind", "reused"}}, &ThreadMetrics::upstream_reused);
  out.family(metric::kUnexpected);
  out.sample({}, unexpected_total());
}

void Metrics::print_budgets(PrometheusText& out) const {
  const auto sum = [this](std::size_t route, auto get) {
    std::uint64_t total = 0;
    for (const auto& thread : threads_) {
      total += get(*thread->routes[route].budget).read();
    }
    return total;
  };
  // print(route) for each route with a budget; limits: print(route, limit) for each limit it
  // states.
  const auto family = [&](const metric::Family& what, auto print) {
    out.family(what);
    for (std::size_t route = 0; route < budgets_.size(); ++route) {
      if (budgets_[route]) {
        print(route);
      }
    }
  };
  const auto limits = [&](const metric::Family& what, auto print) {
    family(what, [&](std::size_t route) {
      for (std::size_t limit = 0; limit < kLimits.size(); ++limit) {
        if (const auto stated = limit_of(*budgets_[route], kLimits[limit])) {
          print(route, limit, *stated);
        }
      }
    });
  };
  const auto stage_name = [](std::size_t stage) {
    return sk::to_string(static_cast<Stage>(stage));
  };

  family(metric::kBudgetRequests, [&](std::size_t route) {
    out.sample({{"route", route_names_[route]}},
               sum(route, [](const BudgetMetrics& b) -> const Cell& { return b.requests; }));
  });
  limits(metric::kBudgetOver, [&](std::size_t route, std::size_t limit, Duration) {
    out.sample({{"route", route_names_[route]}, {"limit", to_string(kLimits[limit])}},
               sum(route, [=](const BudgetMetrics& b) -> const Cell& { return b.over[limit]; }));
  });
  limits(metric::kBudgetTopStage, [&](std::size_t route, std::size_t limit, Duration) {
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      out.sample({{"route", route_names_[route]},
                  {"limit", to_string(kLimits[limit])},
                  {"stage", stage_name(stage)}},
                 sum(route, [=](const BudgetMetrics& b) -> const Cell& {
                   return b.top_stage[limit][stage];
                 }));
    }
  });
  family(metric::kBudgetStage, [&](std::size_t route) {
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      out.sample_seconds(
          {{"route", route_names_[route]}, {"stage", stage_name(stage)}},
          sum(route, [=](const BudgetMetrics& b) -> const Cell& { return b.stage_us[stage]; }));
    }
  });
  limits(metric::kBudgetLimit, [&](std::size_t route, std::size_t limit, Duration stated) {
    out.sample_seconds({{"route", route_names_[route]}, {"limit", to_string(kLimits[limit])}},
                       static_cast<std::uint64_t>(stated / std::chrono::microseconds(1)));
  });
}

std::uint64_t Metrics::connections_open() const {
  // Closed first: a connection that closes in between must not make the difference negative.
  std::uint64_t closed = 0;
  std::uint64_t opened = 0;
  for (const auto& thread : threads_) {
    closed += thread->connections_closed.read();
  }
  for (const auto& thread : threads_) {
    opened += thread->connections_opened.read();
  }
  return opened - closed;
}

}  // namespace sk::lb
