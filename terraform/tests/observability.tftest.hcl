# Saved queries, metrics from the log, alarms.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                         = "sidekick"
  metric_namespace             = "Sidekick/sidekick"
  log_group_name               = "/ecs/sidekick"
  alb_arn_suffix               = "app/sidekick-alb/1"
  target_group_arn_suffix      = "targetgroup/sk/1"
  cluster_name                 = "sidekick"
  service_name                 = "sidekick"
  db_identifier                = "sidekick"
  db_max_connections           = 400
  redis_node_ids               = ["sidekick-001", "sidekick-002"]
  alarm_topic_arns             = ["arn:aws:sns:us-west-2:123456789012:ops"]
  error_ratio_max_percent      = 1
  server_errors_per_minute_max = 10
  target_p99_max_ms            = 500
  latency_budgets = {
    "/v1/items/*" = { p99_ms = 25 }
    "/v1/*"       = { p99_ms = 40, p50_ms = 8, deadline_ms = 250, excludes = ["/v1/items/*"] }
  }
}

run "five_queries_are_saved" {
  module {
    source = "./modules/observability"
  }

  assert {
    condition     = length(aws_cloudwatch_query_definition.runbook) == 5 && alltrue([for key, query in aws_cloudwatch_query_definition.runbook : query.log_group_names == tolist(["/ecs/sidekick"]) && query.query_string == file("./modules/observability/queries/${key}.cwlq")])
    error_message = "Each file is a saved query on the tasks' log."
  }
  assert {
    condition     = toset(keys(aws_cloudwatch_query_definition.runbook)) == toset([for name in fileset("./modules/observability/queries", "*.cwlq") : trimsuffix(name, ".cwlq")])
    error_message = "No file is forgotten."
  }
}

run "each_budget_is_a_metric_and_an_alarm" {
  module {
    source = "./modules/observability"
  }

  assert {
    condition     = aws_cloudwatch_log_metric_filter.route["/v1/*"].pattern == "{ ($.routePattern = \"/v1/*\") && ($.routePattern != \"/v1/items/*\") && ($.responseTime = *) }"
    error_message = "A route measures what it serves, and not what earlier routes do."
  }
  assert {
    condition     = { for route, alarm in aws_cloudwatch_metric_alarm.route_p99 : route => alarm.threshold } == { "/v1/items/*" = 25, "/v1/*" = 40 }
    error_message = "The alarm is at the budget's p99."
  }
  assert {
    condition = alltrue([
      for route, alarm in aws_cloudwatch_metric_alarm.route_p99 :
      alarm.extended_statistic == "p99" && alarm.treat_missing_data == "notBreaching" && alarm.datapoints_to_alarm == 3 && alarm.evaluation_periods == 5 &&
      alarm.metric_name == one(aws_cloudwatch_log_metric_filter.route[route].metric_transformation).name &&
      alarm.namespace == one(aws_cloudwatch_log_metric_filter.route[route].metric_transformation).namespace
    ])
    error_message = "The alarm watches the metric that the filter makes, 3 minutes of 5."
  }
  assert {
    condition     = length(toset([for alarm in aws_cloudwatch_metric_alarm.route_p99 : alarm.alarm_name])) == 2
    error_message = "Routes that differ in signs only have different alarms."
  }
  assert {
    condition     = one(aws_cloudwatch_log_metric_filter.all_routes.metric_transformation).dimensions == tomap({ RoutePattern = "$.routePattern" }) && one(aws_cloudwatch_log_metric_filter.all_routes.metric_transformation).default_value == null
    error_message = "Every route can be looked at."
  }
}

run "errors_latency_and_health_raise_alarms" {
  module {
    source = "./modules/observability"
  }

  assert {
    condition     = alltrue([for key in ["elb-502", "elb-504", "unhealthy-hosts", "server-errors", "rejected-connections", "ecs-cpu", "ecs-memory", "db-connections", "db-storage", "redis-001-evictions"] : contains(keys(aws_cloudwatch_metric_alarm.plain), key)])
    error_message = "The usual suspects are watched."
  }
  assert {
    condition     = aws_cloudwatch_metric_alarm.plain["db-connections"].threshold == 320 && aws_cloudwatch_metric_alarm.target_p99.threshold == 0.5 && aws_cloudwatch_metric_alarm.target_p99.extended_statistic == "p99"
    error_message = "80 % of connections; half a second."
  }
  assert {
    condition     = one([for q in aws_cloudwatch_metric_alarm.target_5xx_ratio.metric_query : q.expression if q.return_data == true]) == "100 * FILL(errors, 0) / requests"
    error_message = "Errors are a share of requests."
  }
  assert {
    condition     = alltrue([for alarm in concat(values(aws_cloudwatch_metric_alarm.plain), values(aws_cloudwatch_metric_alarm.route_p99), [aws_cloudwatch_metric_alarm.target_5xx_ratio, aws_cloudwatch_metric_alarm.target_p99]) : alarm.alarm_actions == toset(var.alarm_topic_arns) && alarm.treat_missing_data == "notBreaching"])
    error_message = "All tell the topic and none complains of silence."
  }
}
