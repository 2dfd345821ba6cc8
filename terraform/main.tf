# Sidekick on AWS: clients -> load balancer -> Fargate tasks -> PostgreSQL and Redis.
#
# Only wiring here; each module's first lines say what it is. Names that several modules need before
# the resource exists (log groups, the service) are made once, below.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition

  log_groups = {
    app      = "/ecs/${var.name}"
    exec     = "/ecs/${var.name}/exec"
    insights = "/aws/ecs/containerinsights/${var.name}/performance"
    flow     = "/vpc/${var.name}/flow"
    rds      = "/aws/rds/instance/${var.name}"
    redis    = "/elasticache/${var.name}"
  }

  # The key's policy lists every group that is encrypted with it.
  encrypted_log_groups = concat(
    [for key in ["app", "exec", "insights", "flow"] : local.log_groups[key]],
    [for log in ["postgresql", "upgrade"] : "${local.log_groups.rds}/${log}"],
    [for log in ["slow-log", "engine-log"] : "${local.log_groups.redis}/${log}"],
  )

  has_redis_password = nonsensitive(var.redis_auth_token != null)
  redis_address      = "${module.redis.primary_endpoint}:${module.redis.port}"

  environment = merge(
    var.environment,
    {
      PGHOST        = module.rds.address
      PGPORT        = tostring(module.rds.port)
      PGDATABASE    = module.rds.db_name
      PGSSLMODE     = "verify-full"
      PGSSLROOTCERT = var.db_ca_path
    },
    local.has_redis_password ? {} : { REDIS_URL = "rediss://${local.redis_address}/0" },
  )

  # Name -> secret and key in its JSON, as ECS reads them before a task starts.
  secrets = merge(
    {
      PGUSER     = "${module.rds.master_secret_arn}:username::"
      PGPASSWORD = "${module.rds.master_secret_arn}:password::"
    },
    { for key in var.app_secret_keys : key => "${module.kms.app_secret_arn}:${key}::" },
    local.has_redis_password ? { REDIS_URL = "${module.kms.app_secret_arn}:REDIS_URL::" } : {},
  )
}

module "kms" {
  source = "./modules/kms"

  name            = var.name
  partition       = local.partition
  account_id      = local.account_id
  region          = var.region
  log_group_names = local.encrypted_log_groups

  has_secrets     = local.has_redis_password || length(var.app_secret_keys) > 0
  secrets_version = var.app_secrets_version
  secrets = merge(
    { for key, value in var.app_secrets : key => value if contains(var.app_secret_keys, key) },
    local.has_redis_password ? { REDIS_URL = "rediss://:${urlencode(var.redis_auth_token)}@${local.redis_address}/0" } : {},
  )
}

module "iam" {
  source = "./modules/iam"

  name                   = var.name
  partition              = local.partition
  account_id             = local.account_id
  region                 = var.region
  repository_arn         = module.ecr.repository_arn
  secret_arns            = [module.rds.master_secret_arn, module.kms.app_secret_arn]
  kms_key_arn            = module.kms.key_arn
  app_log_group_arn      = module.ecs.log_group_arn
  exec_log_group_arn     = module.ecs.exec_log_group_arn
  flow_log_group_arn     = module.network.flow_log_group_arn
  enable_execute_command = var.enable_execute_command
}

module "network" {
  source = "./modules/network"

  name                        = var.name
  region                      = var.region
  cidr                        = var.vpc_cidr
  az_count                    = var.az_count
  nat_mode                    = var.nat_mode
  interface_endpoints         = var.interface_endpoints
  endpoint_security_group_ids = module.security_groups.endpoint_ids
  flow_log_group_name         = local.log_groups.flow
  flow_log_role_arn           = module.iam.flow_log_role_arn
  log_retention_days          = var.log_retention_days
  kms_key_arn                 = module.kms.key_arn
}

module "security_groups" {
  source = "./modules/security_groups"

  name                    = var.name
  vpc_id                  = module.network.vpc_id
  ingress_cidrs           = var.ingress_cidrs
  has_nat                 = var.nat_mode != "none"
  has_interface_endpoints = length(var.interface_endpoints) > 0
  s3_prefix_list_id       = module.network.s3_prefix_list_id
}

module "alb" {
  source = "./modules/alb"

  name                         = var.name
  account_id                   = local.account_id
  vpc_id                       = module.network.vpc_id
  subnet_ids                   = module.network.public_subnet_ids
  security_group_id            = module.security_groups.alb_id
  certificate_arn              = var.certificate_arn
  domain_name                  = var.domain_name
  zone_id                      = var.zone_id
  idle_timeout_seconds         = var.alb_idle_timeout_seconds
  client_keep_alive_seconds    = var.client_keep_alive_seconds
  deregistration_delay_seconds = var.deregistration_delay_seconds
  desync_mitigation_mode       = var.desync_mitigation_mode
  deletion_protection          = var.deletion_protection
  access_logs                  = var.access_logs
}

module "rds" {
  source = "./modules/rds"

  name                      = var.name
  subnet_ids                = module.network.private_subnet_ids
  security_group_id         = module.security_groups.postgres_id
  engine_version            = var.db_engine_version
  instance_class            = var.db_instance_class
  db_name                   = var.db_name
  master_username           = var.db_master_username
  max_connections           = var.db_max_connections
  allocated_storage_gib     = var.db_allocated_storage_gib
  max_allocated_storage_gib = var.db_max_allocated_storage_gib
  multi_az                  = var.db_multi_az
  backup_retention_days     = var.db_backup_retention_days
  deletion_protection       = var.deletion_protection
  monitoring_role_arn       = module.iam.rds_monitoring_role_arn
  log_group_prefix          = local.log_groups.rds
  log_retention_days        = var.log_retention_days
  kms_key_arn               = module.kms.key_arn
}

module "redis" {
  source = "./modules/redis"

  name                       = var.name
  subnet_ids                 = module.network.private_subnet_ids
  security_group_id          = module.security_groups.redis_id
  engine                     = var.redis_engine
  engine_version             = var.redis_engine_version
  node_type                  = var.redis_node_type
  replica_count              = var.redis_replica_count
  auth_token                 = var.redis_auth_token
  auth_token_update_strategy = var.redis_auth_token_update_strategy
  snapshot_retention_days    = var.redis_snapshot_retention_days
  log_group_prefix           = local.log_groups.redis
  log_retention_days         = var.log_retention_days
  kms_key_arn                = module.kms.key_arn
}

module "ecr" {
  source = "./modules/ecr"

  name        = var.name
  kms_key_arn = module.kms.key_arn
}

module "ecs" {
  source = "./modules/ecs"

  name                           = var.name
  region                         = var.region
  repository_url                 = module.ecr.repository_url
  image_digest                   = var.image_digest
  cpu                            = var.task_cpu
  memory                         = var.task_memory
  cpu_architecture               = var.cpu_architecture
  desired_count                  = var.desired_count
  max_count                      = var.max_count
  requests_per_target_per_minute = var.requests_per_target_per_minute
  cpu_target_percent             = var.cpu_target_percent
  stop_timeout_seconds           = var.stop_timeout_seconds
  drain_seconds                  = var.drain_seconds
  keepalive_seconds              = var.keepalive_seconds
  request_deadline_seconds       = var.request_deadline_seconds
  worker_count                   = var.worker_count
  pg_connections_per_worker      = var.pg_connections_per_worker
  environment                    = local.environment
  secrets                        = local.secrets
  execution_role_arn             = module.iam.execution_role_arn
  task_role_arn                  = module.iam.task_role_arn
  subnet_ids                     = module.network.private_subnet_ids
  security_group_id              = module.security_groups.ecs_id
  target_group_arn               = module.alb.target_group_arn
  listener_arns                  = module.alb.listener_arns
  alb_arn_suffix                 = module.alb.arn_suffix
  target_group_arn_suffix        = module.alb.target_group_arn_suffix
  rollback_alarm_names           = module.observability.rollback_alarm_names
  enable_execute_command         = var.enable_execute_command
  wait_for_steady_state          = var.wait_for_steady_state
  log_group_names                = { for key in ["app", "exec", "insights"] : key => local.log_groups[key] }
  log_retention_days             = var.log_retention_days
  kms_key_arn                    = module.kms.key_arn
}

module "observability" {
  source = "./modules/observability"

  name                         = var.name
  metric_namespace             = "Sidekick/${var.name}"
  log_group_name               = module.ecs.log_group_name
  alb_arn_suffix               = module.alb.arn_suffix
  target_group_arn_suffix      = module.alb.target_group_arn_suffix
  cluster_name                 = module.ecs.cluster_name
  service_name                 = var.name
  db_identifier                = module.rds.identifier
  db_max_connections           = var.db_max_connections
  redis_node_ids               = module.redis.node_ids
  alarm_topic_arns             = var.alarm_topic_arns
  error_ratio_max_percent      = var.error_ratio_max_percent
  server_errors_per_minute_max = var.server_errors_per_minute_max
  target_p99_max_ms            = var.target_p99_max_ms
  latency_budgets              = var.latency_budgets
}
