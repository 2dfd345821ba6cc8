output "cluster_name" {
  description = "The cluster."
  value       = aws_ecs_cluster.this.name
}

output "service_name" {
  description = "The service."
  value       = aws_ecs_service.this.name
}

output "task_family" {
  description = "Family of the task definition."
  value       = aws_ecs_task_definition.this.family
}

output "initial_count" {
  description = "Tasks the service wanted when it was made: 0 without an image."
  value       = local.has_image ? var.desired_count : 0
}

output "log_group_name" {
  description = "Log group of the tasks."
  value       = aws_cloudwatch_log_group.app.name
}

output "log_group_arn" {
  description = "Log group of the tasks."
  value       = aws_cloudwatch_log_group.app.arn
}

output "exec_log_group_arn" {
  description = "Log group of ECS Exec sessions."
  value       = aws_cloudwatch_log_group.exec.arn
}
