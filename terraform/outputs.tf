output "alb_dns_name" {
  description = "Host name of the load balancer."
  value       = module.alb.dns_name
}

output "url" {
  description = "Where clients reach the service."
  value       = module.alb.url
}

output "smoke_command" {
  description = "Asks the deployed service for its version."
  value       = "curl ${module.alb.url}"
}

output "smoke_expected" {
  description = "What smoke_command prints."
  value       = "{\"status\":\"ok\",\"version\":\"${var.app_version}\"}"
}

output "ecr_repository_url" {
  description = "Where to push the image."
  value       = module.ecr.repository_url
}

output "cluster_name" {
  description = "The ECS cluster."
  value       = module.ecs.cluster_name
}

output "service_name" {
  description = "The ECS service."
  value       = module.ecs.service_name
}

output "log_group_name" {
  description = "Log group of the tasks, which the runbook's queries read."
  value       = module.ecs.log_group_name
}

output "migrate_command" {
  description = "Runs the database migrations as a task of their own."
  value = join(" ", [
    "aws ecs run-task --region ${var.region} --cluster ${module.ecs.cluster_name}",
    "--task-definition ${module.ecs.task_family} --launch-type FARGATE",
    "--network-configuration 'awsvpcConfiguration={subnets=[${join(",", module.network.private_subnet_ids)}],securityGroups=[${module.security_groups.ecs_id}],assignPublicIp=DISABLED}'",
    "--overrides '${jsonencode({ containerOverrides = [{ name = var.name, command = ["sidekick-app", "migrate"] }] })}'",
  ])
}

output "rds_endpoint" {
  description = "PostgreSQL's host name and port."
  value       = module.rds.endpoint
}

output "redis_primary_endpoint" {
  description = "Redis's host name."
  value       = module.redis.primary_endpoint
}

output "db_secret_arn" {
  description = "Secret with the database's user and password."
  value       = module.rds.master_secret_arn
}

output "app_secret_arn" {
  description = "Secret with the application's settings."
  value       = module.kms.app_secret_arn
}

output "kms_key_arn" {
  description = "Key of everything that is stored."
  value       = module.kms.key_arn
}

output "vpc_id" {
  description = "The VPC."
  value       = module.network.vpc_id
}

output "query_definition_ids" {
  description = "The runbook's saved queries."
  value       = module.observability.query_definition_ids
}

output "alarm_names" {
  description = "All alarms."
  value       = module.observability.alarm_names
}
