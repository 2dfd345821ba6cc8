# The smallest deployment: plain HTTP, one task, one NAT gateway, a small database without standby.
# For trying things out; everything goes away with `terraform destroy`.

variable "image_digest" {
  description = "Digest of the pushed image; null for the first apply."
  type        = string
  default     = null
}

module "sidekick" {
  source = "../.."

  name                = "sidekick-try"
  image_digest        = var.image_digest
  deletion_protection = false

  task_cpu                  = 512
  task_memory               = 1024
  desired_count             = 1
  max_count                 = 2
  worker_count              = 1
  pg_connections_per_worker = 8

  db_instance_class        = "db.t4g.micro"
  db_multi_az              = false
  db_backup_retention_days = 1
  db_max_connections       = 80 # A db.t4g.micro has memory for about 110.

  redis_node_type               = "cache.t4g.micro"
  redis_snapshot_retention_days = 0

  log_retention_days = 7
}

output "url" {
  description = "Where clients reach the service."
  value       = module.sidekick.url
}

output "ecr_repository_url" {
  description = "Where to push the image."
  value       = module.sidekick.ecr_repository_url
}

output "migrate_command" {
  description = "Runs the database migrations."
  value       = module.sidekick.migrate_command
}

output "smoke_command" {
  description = "Asks the deployed service for its version."
  value       = module.sidekick.smoke_command
}
