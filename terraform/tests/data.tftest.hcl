# PostgreSQL, Redis, the registry, keys and secrets.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name               = "sidekick"
  subnet_ids         = ["subnet-1", "subnet-2"]
  security_group_id  = "sg-1"
  log_retention_days = 30
  kms_key_arn        = "arn:aws:kms:us-west-2:123456789012:key/k"
}

run "postgresql_is_managed_encrypted_and_in_two_zones" {
  variables {
    engine_version            = "17"
    instance_class            = "db.t4g.medium"
    db_name                   = "sidekick"
    master_username           = "sidekick"
    max_connections           = 400
    allocated_storage_gib     = 20
    max_allocated_storage_gib = 100
    multi_az                  = true
    backup_retention_days     = 7
    deletion_protection       = true
    monitoring_role_arn       = "arn:aws:iam::123456789012:role/m"
    log_group_prefix          = "/aws/rds/instance/sidekick"
  }
  module {
    source = "./modules/rds"
  }

  assert {
    condition     = aws_db_instance.this.engine == "postgres" && aws_db_instance.this.engine_version == "17" && aws_db_instance.this.port == 5432 && aws_db_instance.this.multi_az
    error_message = "PostgreSQL 17 on 5432, with a standby."
  }
  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == var.kms_key_arn && aws_db_instance.this.performance_insights_kms_key_id == var.kms_key_arn && aws_db_instance.this.storage_type == "gp3"
    error_message = "Storage and insights are encrypted with our key."
  }
  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.password == null && aws_db_instance.this.master_user_secret_kms_key_id == var.kms_key_arn
    error_message = "RDS manages the password; Terraform never sees it."
  }
  assert {
    condition     = !aws_db_instance.this.publicly_accessible && aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot == false && aws_db_instance.this.backup_retention_period == 7
    error_message = "It is private and not lost by accident."
  }
  assert {
    condition     = { for p in aws_db_parameter_group.this.parameter : p.name => p.value }["rds.force_ssl"] == "1" && { for p in aws_db_parameter_group.this.parameter : p.name => p.value }["max_connections"] == "400" && aws_db_parameter_group.this.family == "postgres17"
    error_message = "TLS is forced and the number of connections set."
  }
  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.exports : group.kms_key_id == var.kms_key_arn && group.retention_in_days == 30]) && aws_db_instance.this.enabled_cloudwatch_logs_exports == toset(["postgresql", "upgrade"])
    error_message = "Its logs are encrypted and end."
  }
  assert {
    condition     = aws_db_instance.this.monitoring_interval == 60 && aws_db_instance.this.ca_cert_identifier == "rds-ca-rsa2048-g1"
    error_message = "Enhanced monitoring is on, the certificate authority known."
  }
}

run "redis_is_replicated_with_failover_and_tls" {
  variables {
    engine                  = "redis"
    engine_version          = "7.1"
    node_type               = "cache.t4g.small"
    replica_count           = 1
    snapshot_retention_days = 1
    log_group_prefix        = "/elasticache/sidekick"
  }
  module {
    source = "./modules/redis"
  }

  assert {
    condition     = aws_elasticache_replication_group.this.engine == "redis" && aws_elasticache_replication_group.this.port == 6379 && aws_elasticache_replication_group.this.num_cache_clusters == 2
    error_message = "Redis on 6379: a primary and a replica."
  }
  assert {
    condition     = aws_elasticache_replication_group.this.automatic_failover_enabled && aws_elasticache_replication_group.this.multi_az_enabled
    error_message = "The replica takes over, in another zone."
  }
  assert {
    condition     = aws_elasticache_replication_group.this.transit_encryption_enabled && aws_elasticache_replication_group.this.transit_encryption_mode == "required" && aws_elasticache_replication_group.this.at_rest_encryption_enabled == "true" && aws_elasticache_replication_group.this.kms_key_id == var.kms_key_arn
    error_message = "Encrypted on the wire and at rest."
  }
  assert {
    condition     = one([for p in aws_elasticache_parameter_group.this.parameter : p.value if p.name == "maxmemory-policy"]) == "allkeys-lru" && aws_elasticache_parameter_group.this.family == "redis7"
    error_message = "A full cache forgets what was used least recently."
  }
  assert {
    condition     = length(aws_elasticache_replication_group.this.log_delivery_configuration) == 2 && alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.kms_key_arn])
    error_message = "Slow log and engine log are kept, encrypted."
  }
  assert {
    condition     = toset(output.node_ids) == toset(["sidekick-001", "sidekick-002"])
    error_message = "The nodes are named as ElastiCache names them."
  }
}

run "valkey_has_its_own_parameters_and_a_password_rotates" {
  variables {
    engine                  = "valkey"
    engine_version          = "8.0"
    node_type               = "cache.t4g.small"
    replica_count           = 2
    snapshot_retention_days = 1
    log_group_prefix        = "/elasticache/sidekick"
    auth_token              = "0123456789abcdef"
  }
  module {
    source = "./modules/redis"
  }

  assert {
    condition     = aws_elasticache_parameter_group.this.family == "valkey8" && aws_elasticache_replication_group.this.num_cache_clusters == 3
    error_message = "valkey8, three nodes."
  }
  assert {
    condition     = aws_elasticache_replication_group.this.auth_token_update_strategy == "ROTATE"
    error_message = "A new password is accepted beside the old one."
  }
}

run "a_short_password_is_refused" {
  command = plan
  variables {
    engine                  = "redis"
    engine_version          = "7.1"
    node_type               = "cache.t4g.small"
    replica_count           = 1
    snapshot_retention_days = 1
    log_group_prefix        = "/elasticache/sidekick"
    auth_token              = "short"
  }
  module {
    source = "./modules/redis"
  }
  expect_failures = [aws_elasticache_replication_group.this]
}

run "a_password_with_a_slash_is_refused" {
  command = plan
  variables {
    engine                  = "redis"
    engine_version          = "7.1"
    node_type               = "cache.t4g.small"
    replica_count           = 1
    snapshot_retention_days = 1
    log_group_prefix        = "/elasticache/sidekick"
    auth_token              = "0123456789abcdef/"
  }
  module {
    source = "./modules/redis"
  }
  expect_failures = [aws_elasticache_replication_group.this]
}

run "the_registry_keeps_tags_and_scans" {
  module {
    source = "./modules/ecr"
  }

  assert {
    condition     = aws_ecr_repository.this.name == "sidekick" && aws_ecr_repository.this.image_tag_mutability == "IMMUTABLE" && aws_ecr_repository.this.force_delete == false
    error_message = "Tags do not move, images are not deleted with the repository."
  }
  assert {
    condition     = aws_ecr_repository.this.image_scanning_configuration[0].scan_on_push && aws_ecr_repository.this.encryption_configuration[0].encryption_type == "KMS" && aws_ecr_repository.this.encryption_configuration[0].kms_key == var.kms_key_arn
    error_message = "Images are scanned and encrypted."
  }
  assert {
    condition     = [for rule in jsondecode(aws_ecr_lifecycle_policy.this.policy).rules : rule.selection.countNumber] == [7, 30]
    error_message = "Untagged images go after 7 days, 30 tagged ones stay."
  }
}

run "one_key_encrypts_the_named_logs_only" {
  variables {
    partition       = "aws"
    account_id      = "123456789012"
    region          = "us-west-2"
    log_group_names = ["/ecs/sidekick"]
    has_secrets     = true
    secrets         = { API_KEY = "hush" }
    secrets_version = 1
  }
  module {
    source = "./modules/kms"
  }

  assert {
    condition     = aws_kms_key.this.enable_key_rotation && aws_kms_key.this.rotation_period_in_days == 365 && aws_kms_key.this.deletion_window_in_days == 30 && aws_kms_alias.this.name == "alias/sidekick"
    error_message = "The key is rotated each year and not lost at once."
  }
  assert {
    condition = (
      jsondecode(aws_kms_key.this.policy).Statement[1].Principal.Service == "logs.us-west-2.amazonaws.com" &&
      jsondecode(aws_kms_key.this.policy).Statement[1].Condition.ArnEquals["kms:EncryptionContext:aws:logs:arn"] == ["arn:aws:logs:us-west-2:123456789012:log-group:/ecs/sidekick"]
    )
    error_message = "CloudWatch may use it for these groups only."
  }
  assert {
    condition     = aws_secretsmanager_secret.app.kms_key_id == aws_kms_key.this.arn && aws_secretsmanager_secret.app.recovery_window_in_days == 7
    error_message = "The secret is encrypted and recoverable."
  }
  assert {
    condition     = aws_secretsmanager_secret_version.app[0].secret_string == null && aws_secretsmanager_secret_version.app[0].secret_string_wo_version == 1
    error_message = "Its value is write-only."
  }
}
