# A deployment to serve from: a domain with a certificate, a NAT gateway in each zone, access logs,
# a password on Redis, and alarms by mail.

variable "domain_name" {
  description = "Name of the service, such as app.example.com."
  type        = string
}

variable "zone_id" {
  description = "Route 53 zone of domain_name."
  type        = string
}

variable "alarm_email" {
  description = "Address that hears of alarms; AWS asks it to confirm."
  type        = string

  validation {
    condition     = can(regex("^[^@[:space:]]+@[^@[:space:]]+\\.[^@[:space:]]+$", var.alarm_email))
    error_message = "alarm_email = \"${var.alarm_email}\": must be a mail address."
  }
}

variable "redis_auth_token" {
  description = "Password of Redis, 16 to 128 characters. Give it as TF_VAR_redis_auth_token."
  type        = string
  sensitive   = true
}

variable "image_digest" {
  description = "Digest of the pushed image; null for the first apply."
  type        = string
  default     = null
}

variable "region" {
  description = "AWS region."
  type        = string
  default     = "us-west-2"
}

provider "aws" {
  region = var.region

  default_tags {
    tags = { Project = "sidekick", ManagedBy = "terraform" }
  }
}

module "sidekick" {
  source = "../.."

  region       = var.region
  image_digest = var.image_digest

  domain_name = var.domain_name
  zone_id     = var.zone_id
  access_logs = true
  nat_mode    = "per_az"

  desired_count             = 4
  max_count                 = 16
  pg_connections_per_worker = 8

  db_instance_class        = "db.m7g.large"
  db_max_connections       = 800 # It has memory for about 900.
  db_backup_retention_days = 14

  redis_node_type     = "cache.m7g.large"
  redis_replica_count = 1
  redis_auth_token    = var.redis_auth_token

  alarm_topic_arns = [aws_sns_topic.alarms.arn]
  latency_budgets  = jsondecode(file("${path.module}/../../budgets.auto.tfvars.json")).latency_budgets
}

# ---- where alarms go -----------------------------------------------------------------------------

data "aws_caller_identity" "current" {}

# CloudWatch may use a key only if the key's own policy says so.
resource "aws_kms_key" "alarms" {
  description             = "Alarms of sidekick"
  enable_key_rotation     = true
  deletion_window_in_days = 30

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "AccountAdministers"
        Effect    = "Allow"
        Principal = { AWS = "arn:aws:iam::${data.aws_caller_identity.current.account_id}:root" }
        Action    = "kms:*"
        Resource  = "*"
      },
      {
        Sid       = "AlarmsPublish"
        Effect    = "Allow"
        Principal = { Service = "cloudwatch.amazonaws.com" }
        Action    = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource  = "*" # In a key policy this is the key itself.
        Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
      },
    ]
  })
}

resource "aws_sns_topic" "alarms" {
  name              = "sidekick-alarms"
  kms_master_key_id = aws_kms_key.alarms.arn
}

resource "aws_sns_topic_subscription" "mail" {
  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = var.alarm_email
}

# ---- outputs -------------------------------------------------------------------------------------

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

output "alarm_names" {
  description = "All alarms."
  value       = module.sidekick.alarm_names
}
