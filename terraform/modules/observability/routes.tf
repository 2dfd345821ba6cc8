# Latency per route, from the log's routePattern and responseTime.
#
# Each budget has a metric filter and a p99 alarm. A route's path may end in a wildcard, which a
# filter pattern understands; as the first matching route wins in the balancer, a route leaves out
# the patterns of the routes before it (`excludes`).

locals {
  routes = {
    for pattern, budget in var.latency_budgets : pattern => {
      # Metric names allow no colon, asterisk or dollar sign; the hash keeps /v1/:a and /v1/:b apart.
      metric = join("-", compact([
        "RouteLatency",
        trim(replace(pattern, "/[^A-Za-z0-9]+/", "-"), "-"),
        substr(sha1(pattern), 0, 6),
      ]))
      filter = join(" && ", concat(
        ["($.routePattern = \"${pattern}\")"],
        [for other in budget.excludes : "($.routePattern != \"${other}\")"],
        ["($.responseTime = *)"],
      ))
      p99_ms = budget.p99_ms
    }
  }
}

# Every route that was ever hit, to look at. Patterns, not paths: their number is small, and
# CloudWatch bills each value as a metric.
resource "aws_cloudwatch_log_metric_filter" "all_routes" {
  name           = "${var.name}-response-time-by-route"
  log_group_name = var.log_group_name
  pattern        = "{ ($.routePattern = *) && ($.responseTime = *) }"

  metric_transformation {
    namespace  = var.metric_namespace
    name       = "ResponseTime"
    value      = "$.responseTime"
    unit       = "Milliseconds"
    dimensions = { RoutePattern = "$.routePattern" }
  }
}

resource "aws_cloudwatch_log_metric_filter" "route" {
  for_each = local.routes

  name           = "${var.name}-${each.value.metric}"
  log_group_name = var.log_group_name
  pattern        = "{ ${each.value.filter} }"

  metric_transformation {
    namespace = var.metric_namespace
    name      = each.value.metric
    value     = "$.responseTime"
    unit      = "Milliseconds"
  }
}

resource "aws_cloudwatch_metric_alarm" "route_p99" {
  for_each = local.routes

  alarm_name          = "${var.name}-p99-${each.value.metric}"
  alarm_description   = "p99 of ${each.key} exceeds its budget of ${each.value.p99_ms} ms. Runbook B."
  namespace           = var.metric_namespace
  metric_name         = each.value.metric
  extended_statistic  = "p99"
  unit                = "Milliseconds"
  comparison_operator = "GreaterThanThreshold"
  threshold           = each.value.p99_ms
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"

  # With few requests a p99 is the slowest one: not worth waking anybody.
  evaluate_low_sample_count_percentiles = "ignore"

  alarm_actions = var.alarm_topic_arns
  ok_actions    = var.alarm_topic_arns

  depends_on = [aws_cloudwatch_log_metric_filter.route]
}

# Our own 5xx, as the log has them: unlike the load balancer's count they can be looked up by line.
resource "aws_cloudwatch_log_metric_filter" "server_errors" {
  name           = "${var.name}-server-errors"
  log_group_name = var.log_group_name
  pattern        = "{ $.statusCode >= 500 }"

  metric_transformation {
    namespace = var.metric_namespace
    name      = "ServerErrors"
    value     = "1"
    unit      = "Count"
  }
}
