output "execution_role_arn" {
  description = "Role of ECS's agent."
  value       = aws_iam_role.this["execution"].arn

  # A task must not start before its role can read the secrets.
  depends_on = [aws_iam_role_policy.execution]
}

output "task_role_arn" {
  description = "Role of our code."
  value       = aws_iam_role.this["task"].arn
}

output "flow_log_role_arn" {
  description = "Role of VPC flow logs."
  value       = aws_iam_role.this["flow-log"].arn
}

output "rds_monitoring_role_arn" {
  description = "Role of RDS enhanced monitoring."
  value       = aws_iam_role.this["rds-monitoring"].arn
}
