# Every wrong input is refused at plan time, each validation once at least. What the messages say is
# checked in tests/terraform of the repository, where the output can be read.
#
# The module has variables.tf alone, by a link, so that nearly a hundred plans take a second.

run "name_with_capitals" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    name = "Sidekick"
  }
  expect_failures = [var.name]
}

run "name_too_long" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    name = "a-name-of-21-letters-"
  }
  expect_failures = [var.name]
}

run "region_that_is_none" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    region = "oregon"
  }
  expect_failures = [var.region]
}

run "tag_key_of_aws" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    tags = { "aws:owner" = "x" }
  }
  expect_failures = [var.tags]
}

run "version_with_two_numbers" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    app_version = "1.2"
  }
  expect_failures = [var.app_version]
}

run "retention_cloudwatch_does_not_know" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    log_retention_days = 31
  }
  expect_failures = [var.log_retention_days]
}

run "vpc_with_host_bits" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    vpc_cidr = "10.0.0.1/16"
  }
  expect_failures = [var.vpc_cidr]
}

run "vpc_too_small" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    vpc_cidr = "10.0.0.0/24"
  }
  expect_failures = [var.vpc_cidr]
}

run "vpc_that_is_no_network" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    vpc_cidr = "ten"
  }
  expect_failures = [var.vpc_cidr]
}

run "one_zone" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    az_count = 1
  }
  expect_failures = [var.az_count]
}

run "nat_mode_unknown" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    nat_mode = "both"
  }
  expect_failures = [var.nat_mode]
}

run "endpoint_unknown" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    interface_endpoints = ["sqs"]
  }
  expect_failures = [var.interface_endpoints]
}

run "no_nat_and_too_few_endpoints" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    nat_mode            = "none"
    interface_endpoints = ["ecr.api", "ecr.dkr", "logs"]
  }
  expect_failures = [var.interface_endpoints]
}

run "no_nat_and_exec_without_its_endpoint" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    nat_mode               = "none"
    enable_execute_command = true
    interface_endpoints    = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
  }
  expect_failures = [var.interface_endpoints]
}

run "clients_from_nowhere" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    ingress_cidrs = []
  }
  expect_failures = [var.ingress_cidrs]
}

run "clients_from_ipv6" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    ingress_cidrs = ["::/0"]
  }
  expect_failures = [var.ingress_cidrs]
}

run "certificate_of_another_region" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    certificate_arn = "arn:aws:acm:us-east-1:123456789012:certificate/c"
  }
  expect_failures = [var.certificate_arn]
}

run "domain_that_is_none" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    domain_name = "example"
    zone_id     = "Z123"
  }
  expect_failures = [var.domain_name]
}

run "domain_without_zone" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    domain_name = "app.example.com"
  }
  expect_failures = [var.domain_name]
}

run "zone_that_is_none" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    domain_name = "app.example.com"
    zone_id     = "example.com"
  }
  expect_failures = [var.zone_id]
}

run "desync_mode_unknown" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    desync_mitigation_mode = "off"
  }
  expect_failures = [var.desync_mitigation_mode]
}

run "idle_timeout_out_of_range" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    alb_idle_timeout_seconds = 0
    request_deadline_seconds = 1
  }
  expect_failures = [var.alb_idle_timeout_seconds]
}

run "client_keep_alive_too_short" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    client_keep_alive_seconds = 59
  }
  expect_failures = [var.client_keep_alive_seconds]
}

run "deregistration_delay_too_long" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    deregistration_delay_seconds = 3601
  }
  expect_failures = [var.deregistration_delay_seconds]
}

run "image_by_tag" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    image_digest = "1.2.0"
  }
  expect_failures = [var.image_digest]
}

run "cpu_fargate_does_not_have" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    task_cpu = 3000
  }
  expect_failures = [var.task_cpu]
}

run "memory_256_cpu" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    task_cpu    = 256
    task_memory = 4096
  }
  expect_failures = [var.task_memory]
}

run "memory_512_cpu" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    task_cpu    = 512
    task_memory = 512
  }
  expect_failures = [var.task_memory]
}

run "memory_1024_cpu" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    task_cpu    = 1024
    task_memory = 9216
  }
  expect_failures = [var.task_memory]
}

run "memory_2048_cpu" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    task_cpu    = 2048
    task_memory = 2048
  }
  expect_failures = [var.task_memory]
}

run "memory_4096_cpu" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    task_cpu    = 4096
    task_memory = 4096
  }
  expect_failures = [var.task_memory]
}

run "memory_8192_cpu_between_steps" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    task_cpu    = 8192
    task_memory = 17408
  }
  expect_failures = [var.task_memory]
}

run "memory_16384_cpu_between_steps" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    task_cpu    = 16384
    task_memory = 36864
  }
  expect_failures = [var.task_memory]
}

run "architecture_unknown" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    cpu_architecture = "AMD64"
  }
  expect_failures = [var.cpu_architecture]
}

run "no_tasks" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    desired_count = 0
  }
  expect_failures = [var.desired_count]
}

run "half_a_task" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    desired_count = 1.5
  }
  expect_failures = [var.desired_count]
}

run "maximum_below_minimum" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    desired_count = 4
    max_count     = 3
  }
  expect_failures = [var.max_count]
}

run "requests_per_target_too_few" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    requests_per_target_per_minute = 59
  }
  expect_failures = [var.requests_per_target_per_minute]
}

run "cpu_target_above_the_alarm" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    cpu_target_percent = 90
  }
  expect_failures = [var.cpu_target_percent]
}

run "keep_alive_not_above_the_balancers" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    keepalive_seconds = 60
  }
  expect_failures = [var.keepalive_seconds]
}

run "keep_alive_overtaken_by_the_balancers" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    alb_idle_timeout_seconds = 120
    request_deadline_seconds = 50
  }
  expect_failures = [var.keepalive_seconds]
}

run "deadline_after_the_balancers" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    request_deadline_seconds = 60
  }
  expect_failures = [var.request_deadline_seconds]
}

run "stop_timeout_above_fargates" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    stop_timeout_seconds = 121
  }
  expect_failures = [var.stop_timeout_seconds]
}

run "drain_not_below_stop_timeout" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    drain_seconds = 60
  }
  expect_failures = [var.drain_seconds]
}

run "stop_timeout_below_drain" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    stop_timeout_seconds = 30
  }
  expect_failures = [var.drain_seconds]
}

run "no_workers" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    worker_count = 0
  }
  expect_failures = [var.worker_count]
}

run "no_connections" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    pg_connections_per_worker = 0
  }
  expect_failures = [var.pg_connections_per_worker]
}

run "more_connections_than_postgresql_takes" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    pg_connections_per_worker = 20
  }
  expect_failures = [var.pg_connections_per_worker]
}

run "more_tasks_than_postgresql_takes" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    max_count = 20
  }
  expect_failures = [var.pg_connections_per_worker]
}

run "environment_in_lower_case" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    environment = { debug = "1" }
  }
  expect_failures = [var.environment]
}

run "environment_that_is_ours" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    environment = { PGHOST = "elsewhere" }
  }
  expect_failures = [var.environment]
}

run "secret_in_lower_case" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    app_secret_keys = ["api-key"]
  }
  expect_failures = [var.app_secret_keys]
}

run "secret_that_is_ours" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    app_secret_keys = ["PGPASSWORD"]
  }
  expect_failures = [var.app_secret_keys]
}

run "secret_that_is_in_the_environment" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    app_secret_keys = ["API_KEY"]
    environment     = { API_KEY = "x" }
  }
  expect_failures = [var.app_secret_keys]
}

run "secrets_version_zero" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    app_secrets_version = 0
  }
  expect_failures = [var.app_secrets_version]
}

run "postgresql_too_old" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_engine_version = "15"
  }
  expect_failures = [var.db_engine_version]
}

run "database_class_of_a_cache" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_instance_class = "cache.t4g.small"
  }
  expect_failures = [var.db_instance_class]
}

run "database_name_reserved" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_name = "postgres"
  }
  expect_failures = [var.db_name]
}

run "database_name_with_hyphen" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_name = "side-kick"
  }
  expect_failures = [var.db_name]
}

run "database_user_reserved" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_master_username = "rdsadmin"
  }
  expect_failures = [var.db_master_username]
}

run "storage_too_small" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_allocated_storage_gib = 10
  }
  expect_failures = [var.db_allocated_storage_gib]
}

run "storage_that_cannot_grow" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_allocated_storage_gib = 100
  }
  expect_failures = [var.db_max_allocated_storage_gib]
}

run "connections_out_of_range" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_max_connections        = 10
    max_count                 = 2
    worker_count              = 1
    pg_connections_per_worker = 1
  }
  expect_failures = [var.db_max_connections]
}

run "no_backups" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_backup_retention_days = 0
  }
  expect_failures = [var.db_backup_retention_days]
}

run "ca_path_relative" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    db_ca_path = "rds-ca.pem"
  }
  expect_failures = [var.db_ca_path]
}

run "cache_engine_unknown" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    redis_engine         = "memcached"
    redis_engine_version = "8.0"
  }
  expect_failures = [var.redis_engine]
}

run "redis_version_of_valkey" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    redis_engine_version = "8.0"
  }
  expect_failures = [var.redis_engine_version]
}

run "valkey_version_of_redis" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    redis_engine         = "valkey"
    redis_engine_version = "7.1"
  }
  expect_failures = [var.redis_engine_version]
}

run "cache_node_of_a_database" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    redis_node_type = "db.t4g.medium"
  }
  expect_failures = [var.redis_node_type]
}

run "no_replica" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    redis_replica_count = 0
  }
  expect_failures = [var.redis_replica_count]
}

run "password_strategy_unknown" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    redis_auth_token_update_strategy = "DELETE"
  }
  expect_failures = [var.redis_auth_token_update_strategy]
}

run "snapshots_for_ever" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    redis_snapshot_retention_days = 36
  }
  expect_failures = [var.redis_snapshot_retention_days]
}

run "topic_that_is_a_queue" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    alarm_topic_arns = ["arn:aws:sqs:us-west-2:123456789012:ops"]
  }
  expect_failures = [var.alarm_topic_arns]
}

run "error_ratio_of_zero" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    error_ratio_max_percent = 0
  }
  expect_failures = [var.error_ratio_max_percent]
}

run "errors_per_minute_negative" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    server_errors_per_minute_max = -1
  }
  expect_failures = [var.server_errors_per_minute_max]
}

run "p99_of_zero" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    target_p99_max_ms = 0
  }
  expect_failures = [var.target_p99_max_ms]
}

run "budget_without_slash" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    latency_budgets = { "v1/*" = { p99_ms = 10 } }
  }
  expect_failures = [var.latency_budgets]
}

run "budget_of_zero" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    latency_budgets = { "/v1/*" = { p99_ms = 0 } }
  }
  expect_failures = [var.latency_budgets]
}

run "budget_with_p50_above_p99" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    latency_budgets = { "/v1/*" = { p50_ms = 20, p99_ms = 10 } }
  }
  expect_failures = [var.latency_budgets]
}

run "budget_with_deadline_below_p99" {
  command = plan
  module {
    source = "./tests/variables"
  }
  variables {
    latency_budgets = { "/v1/*" = { p99_ms = 10, deadline_ms = 5 } }
  }
  expect_failures = [var.latency_budgets]
}
