# Alarms on the parts. All of them are quiet when there is no traffic.

locals {
  load_balancer = { LoadBalancer = var.alb_arn_suffix }
  target_group  = { LoadBalancer = var.alb_arn_suffix, TargetGroup = var.target_group_arn_suffix }
  service       = { ClusterName = var.cluster_name, ServiceName = var.service_name }
  database      = { DBInstanceIdentifier = var.db_identifier }

  # One row each: what is measured, when it is too much, and where to look then.
  plain_alarms = merge(
    {
      elb-502 = {
        about = "The load balancer answered 502: a task closed a connection under a request. Runbook A."
        space = "AWS/ApplicationELB", metric = "HTTPCode_ELB_502_Count", dimensions = local.load_balancer
        stat  = "Sum", operator = "GreaterThanThreshold", threshold = 0, points = 1, of = 1
      }
      elb-504 = {
        about = "The load balancer answered 504: a task was silent for longer than its idle timeout. Runbook B."
        space = "AWS/ApplicationELB", metric = "HTTPCode_ELB_504_Count", dimensions = local.load_balancer
        stat  = "Sum", operator = "GreaterThanThreshold", threshold = 0, points = 1, of = 1
      }
      rejected-connections = {
        about = "The load balancer refused connections."
        space = "AWS/ApplicationELB", metric = "RejectedConnectionCount", dimensions = local.load_balancer
        stat  = "Sum", operator = "GreaterThanThreshold", threshold = 0, points = 1, of = 1
      }
      unhealthy-hosts = {
        about = "A task fails its health check on /healthz."
        space = "AWS/ApplicationELB", metric = "UnHealthyHostCount", dimensions = local.target_group
        stat  = "Maximum", operator = "GreaterThanThreshold", threshold = 0, points = 3, of = 3
      }
      server-errors = {
        about = "Tasks logged responses with a status of 500 or more. Runbook A."
        space = var.metric_namespace, metric = "ServerErrors", dimensions = {}
        stat  = "Sum", operator = "GreaterThanThreshold", threshold = var.server_errors_per_minute_max, points = 3, of = 5
      }
      ecs-cpu = {
        about = "Tasks are busy although autoscaling aims lower: at its maximum count?"
        space = "AWS/ECS", metric = "CPUUtilization", dimensions = local.service
        stat  = "Average", operator = "GreaterThanThreshold", threshold = 85, points = 10, of = 10
      }
      ecs-memory = {
        about = "Tasks come close to their memory limit."
        space = "AWS/ECS", metric = "MemoryUtilization", dimensions = local.service
        stat  = "Maximum", operator = "GreaterThanThreshold", threshold = 85, points = 5, of = 5
      }
      db-connections = {
        about = "PostgreSQL has used 80 % of its connections."
        space = "AWS/RDS", metric = "DatabaseConnections", dimensions = local.database
        stat  = "Maximum", operator = "GreaterThanThreshold", threshold = floor(0.8 * var.db_max_connections), points = 5, of = 5
      }
      db-storage = {
        about = "PostgreSQL has less than 2 GiB of storage left."
        space = "AWS/RDS", metric = "FreeStorageSpace", dimensions = local.database
        stat  = "Minimum", operator = "LessThanThreshold", threshold = 2147483648, points = 5, of = 5
      }
      db-cpu = {
        about = "PostgreSQL is busy."
        space = "AWS/RDS", metric = "CPUUtilization", dimensions = local.database
        stat  = "Average", operator = "GreaterThanThreshold", threshold = 85, points = 10, of = 10
      }
    },
    merge([
      for node in var.redis_node_ids : {
        "redis-${substr(node, -3, 3)}-cpu" = {
          about = "Redis node ${node} is busy: its engine has one thread."
          space = "AWS/ElastiCache", metric = "EngineCPUUtilization", dimensions = { CacheClusterId = node }
          stat  = "Average", operator = "GreaterThanThreshold", threshold = 80, points = 5, of = 5
        }
        "redis-${substr(node, -3, 3)}-evictions" = {
          about = "Redis node ${node} evicts: the cache is too small for what is in use."
          space = "AWS/ElastiCache", metric = "Evictions", dimensions = { CacheClusterId = node }
          stat  = "Sum", operator = "GreaterThanThreshold", threshold = 100, points = 5, of = 5
        }
      }
    ]...),
  )
}

resource "aws_cloudwatch_metric_alarm" "plain" {
  for_each = local.plain_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.about
  namespace           = each.value.space
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.stat
  comparison_operator = each.value.operator
  threshold           = each.value.threshold
  period              = 60
  evaluation_periods  = each.value.of
  datapoints_to_alarm = each.value.points
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns
}

# A share, not a count: one error among ten requests matters, ten among a million do not.
resource "aws_cloudwatch_metric_alarm" "target_5xx_ratio" {
  alarm_name          = "${var.name}-target-5xx-ratio"
  alarm_description   = "More than ${var.error_ratio_max_percent} % of responses are 5xx. Runbook A."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.error_ratio_max_percent
  evaluation_periods  = 3
  datapoints_to_alarm = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns

  metric_query {
    id          = "ratio"
    label       = "5xx in percent of requests"
    expression  = "100 * FILL(errors, 0) / requests"
    return_data = true
  }

  metric_query {
    id = "errors"
    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "HTTPCode_Target_5XX_Count"
      dimensions  = local.target_group
      period      = 60
      stat        = "Sum"
    }
  }

  metric_query {
    id = "requests"
    metric {
      namespace   = "AWS/ApplicationELB"
      metric_name = "RequestCount"
      dimensions  = local.target_group
      period      = 60
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "target_p99" {
  alarm_name          = "${var.name}-target-p99"
  alarm_description   = "p99 over all routes, as the load balancer sees it, exceeds ${var.target_p99_max_ms} ms. Runbook B."
  namespace           = "AWS/ApplicationELB"
  metric_name         = "TargetResponseTime"
  dimensions          = local.target_group
  extended_statistic  = "p99"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.target_p99_max_ms / 1000
  period              = 60
  evaluation_periods  = 5
  datapoints_to_alarm = 3
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_topic_arns
  ok_actions          = var.alarm_topic_arns

  evaluate_low_sample_count_percentiles = "ignore"
}
