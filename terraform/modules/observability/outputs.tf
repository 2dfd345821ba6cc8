output "query_definition_ids" {
  description = "Saved queries by file name."
  value       = { for key, query in aws_cloudwatch_query_definition.runbook : key => query.query_definition_id }
}

# They look at the load balancer only, so that the service can wait for them.
output "rollback_alarm_names" {
  description = "Alarms that undo a deployment."
  value = [
    aws_cloudwatch_metric_alarm.target_5xx_ratio.alarm_name,
    aws_cloudwatch_metric_alarm.plain["elb-502"].alarm_name,
  ]
}

output "alarm_names" {
  description = "All alarms."
  value = sort(concat(
    [for alarm in aws_cloudwatch_metric_alarm.plain : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.route_p99 : alarm.alarm_name],
    [
      aws_cloudwatch_metric_alarm.target_5xx_ratio.alarm_name,
      aws_cloudwatch_metric_alarm.target_p99.alarm_name,
    ],
  ))
}
