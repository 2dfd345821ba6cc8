#include "bench/scenario/scenario_check.h"

#include "net/core/nearest_name.h"
#include "net/core/units.h"
#include "net/http/ascii.h"

#include "bench/scenario/request_template.h"

#include <algorithm>
#include <set>

namespace sk::bench {
namespace {

using lb::ConfigMessages;

bool has_control_byte(std::string_view text) {
  return std::ranges::any_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

bool is_token(std::string_view text) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
  });
}

bool sets_framing(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  });
  return lower == "content-length" || lower == "transfer-encoding" || lower == "connection" ||
         lower == "host" || lower == "upgrade" || lower == "expect";
}

class Check {
 public:
  Check(Scenario& scenario, ConfigMessages& messages) : scenario_(scenario), messages_(messages) {}

  void run() {
    check_parameters();
    for (SetupRequest& setup : scenario_.setup) {
      check_setup(setup);
    }
    if (scenario_.requests.empty()) {
      messages_.error({}, "request", "there is none: add a [[request]] with a path and a rate");
    }
    for (ScenarioRequest& request : scenario_.requests) {
      name_request(request);
      check_request(request, "request");
      check_load(request);
    }
    share_out_rate();
  }

 private:
  void error(lb::ConfigPlace place, std::string name, std::string text) {
    messages_.error(place, name, std::move(text));
  }

  void check_parameters() {
    for (const Parameter& parameter : scenario_.parameters) {
      names_.push_back(parameter.name);
      if (parameter.kind == Parameter::Kind::captured &&
          std::ranges::none_of(scenario_.setup, [&](const SetupRequest& setup) {
            return std::ranges::any_of(setup.capture, [&](const auto& captured) {
              return captured.first == parameter.name;
            });
          })) {
        error(parameter.place, "parameters." + parameter.name,
              "no [[setup]] captures it; add capture = { " + parameter.name +
                  " = \"FIELD\" } to one");
      }
    }
  }

  void check_setup(SetupRequest& setup) {
    check_request(setup.request, "setup");
    for (const auto& [name, field] : setup.capture) {
      const auto found = std::ranges::find(scenario_.parameters, name, &Parameter::name);
      if (found == scenario_.parameters.end() || found->kind != Parameter::Kind::captured) {
        error(setup.request.place, "setup.capture." + name,
              "names no parameter; add " + name + " = { captured = true } to [parameters]");
      }
      if (field.empty()) {
        error(setup.request.place, "setup.capture." + name, "expected a field such as \"id\"");
      }
    }
  }

  void name_request(ScenarioRequest& request) {
    if (request.name.empty()) {
      request.name = request.method + " " + request.path;
    }
    if (!seen_.insert(request.name).second) {
      error(request.place, "request.name",
            lb::in_quotes(request.name) + " stands twice; each request needs a name of its own");
    }
  }

  void check_text(const ScenarioRequest& request, const std::string& name, std::string_view text) {
    for (const std::string& used : parameters_in(text)) {
      if (std::ranges::find(names_, used) == names_.end()) {
        const std::vector<std::string_view> known(names_.begin(), names_.end());
        error(request.place, name,
              "${" + used + "} names no parameter of [parameters]" +
                  lb::did_you_mean(nearest_name(used, known)));
      }
    }
  }

  void check_request(ScenarioRequest& request, const std::string& section) {
    if (!is_token(request.method) || request.method.size() > 32 ||
        find_method(request.method) == Method::connect) {
      error(request.place, section + ".method", "expected a method such as \"GET\" or \"POST\"");
    }
    if (!request.path.starts_with('/') || has_control_byte(request.path) ||
        request.path.find_first_of(" #") != std::string::npos) {
      error(request.place, section + ".path",
            "expected a path that begins with / and holds no space and no fragment; got " +
                lb::in_quotes(request.path));
    }
    check_text(request, section + ".path", request.path);
    if (request.host.find_first_of(" /\t") != std::string::npos || has_control_byte(request.host)) {
      error(request.place, section + ".host", "expected a name such as \"api.example.com\"");
    }
    for (const auto& [name, value] : request.headers) {
      if (!is_token(name) || has_control_byte(value)) {
        error(request.place, section + ".headers", lb::in_quotes(name) + " is no header field");
      } else if (sets_framing(name)) {
        error(request.place, section + ".headers",
              lb::in_quotes(name) + " is the generator's business; leave it out" +
                  (name.size() == 4 ? " and set host" : ""));
      }
      check_text(request, section + ".headers." + name, value);
    }
    check_text(request, section + ".body", request.body);
  }

  void check_load(ScenarioRequest& request) {
    if (request.budget) {
      check_budget(*request.budget, "request.budget", messages_);
    }
    const bool has_rate = request.rate > 0;
    const bool has_weight = request.weight > 0;
    if (scenario_.rate > 0 ? !has_weight : has_weight) {
      error(request.place, "request.weight",
            scenario_.rate > 0
                ? lb::in_quotes(request.name) + " needs a weight: [scenario] has a total rate"
                : "weights share out the total: set rate in [scenario]");
    }
    if (scenario_.rate > 0 && has_rate) {
      error(request.place, "request.rate",
            "either a rate of its own or a weight of the scenario's total rate");
    }
    weights_ += request.weight;
  }

  void share_out_rate() {
    if (scenario_.rate > 0 && weights_ > 0) {
      for (ScenarioRequest& request : scenario_.requests) {
        request.rate = scenario_.rate * request.weight / weights_;
      }
    }
  }

  Scenario& scenario_;
  ConfigMessages& messages_;
  std::vector<std::string> names_;
  std::set<std::string> seen_;
  double weights_ = 0;
};

}  // namespace

void check_scenario(Scenario& scenario, ConfigMessages& messages) {
  Check(scenario, messages).run();
}

bool check_budget(const lb::BudgetConfig& budget, std::string_view name, ConfigMessages& messages) {
  struct Limit {
    const char* name;
    const std::optional<Duration>& value;
  };
  const Limit limits[] = {{"p50", budget.p50}, {"p99", budget.p99}, {"p999", budget.p999}};
  const Limit* before = nullptr;
  bool good = true;
  const auto out_of_order = [&](const Limit& lower, const Limit& upper) {
    messages.error(budget.place, std::string(name) + "." + upper.name,
                   format_duration(*upper.value) + " is below " + lower.name + ", which is " +
                       format_duration(*lower.value) + "; order them");
    good = false;
  };
  for (const Limit& limit : limits) {
    if (!limit.value) {
      continue;
    }
    if (before != nullptr && *limit.value < *before->value) {
      out_of_order(*before, limit);
    }
    before = &limit;
  }
  if (budget.deadline && budget.p99 && *budget.deadline < *budget.p99) {
    out_of_order({"p99", budget.p99}, {"deadline", budget.deadline});
  }
  if (!budget.p50 && !budget.p99 && !budget.p999 && !budget.deadline) {
    messages.error(budget.place, name, "promises nothing: state p50, p99, p999 or deadline");
    good = false;
  }
  return good;
}

}  // namespace sk::bench
