output "alb_id" {
  description = "Group of the load balancer."
  value       = aws_security_group.this["alb"].id
}

output "ecs_id" {
  description = "Group of the tasks."
  value       = aws_security_group.this["ecs"].id
}

output "postgres_id" {
  description = "Group of PostgreSQL."
  value       = aws_security_group.this["postgres"].id
}

output "redis_id" {
  description = "Group of Redis."
  value       = aws_security_group.this["redis"].id
}

output "endpoint_ids" {
  description = "Group of the interface endpoints; empty without any."
  value       = var.has_interface_endpoints ? [aws_security_group.this["endpoints"].id] : []
}
