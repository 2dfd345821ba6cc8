# Cluster, task, service, autoscaling, roles.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                           = "sidekick"
  region                         = "us-west-2"
  repository_url                 = "123456789012.dkr.ecr.us-west-2.amazonaws.com/sidekick"
  image_digest                   = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
  cpu                            = 2048
  memory                         = 4096
  cpu_architecture               = "X86_64"
  desired_count                  = 2
  max_count                      = 8
  requests_per_target_per_minute = 120000
  cpu_target_percent             = 60
  stop_timeout_seconds           = 60
  drain_seconds                  = 55
  keepalive_seconds              = 75
  request_deadline_seconds       = 50
  worker_count                   = 2
  pg_connections_per_worker      = 8
  environment                    = { PGHOST = "db" }
  secrets                        = { PGPASSWORD = "arn:aws:secretsmanager:us-west-2:123456789012:secret:s:password::" }
  execution_role_arn             = "arn:aws:iam::123456789012:role/e"
  task_role_arn                  = "arn:aws:iam::123456789012:role/t"
  subnet_ids                     = ["subnet-1", "subnet-2"]
  security_group_id              = "sg-1"
  target_group_arn               = "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/sk/1"
  listener_arns                  = { "80" = "arn:aws:elasticloadbalancing:us-west-2:123456789012:listener/app/sk/1/1" }
  alb_arn_suffix                 = "app/sidekick-alb/1"
  target_group_arn_suffix        = "targetgroup/sk/1"
  rollback_alarm_names           = ["sidekick-target-5xx-ratio"]
  enable_execute_command         = false
  wait_for_steady_state          = true
  log_group_names                = { app = "/ecs/sidekick", exec = "/ecs/sidekick/exec", insights = "/aws/ecs/containerinsights/sidekick/performance" }
  log_retention_days             = 30
  kms_key_arn                    = "arn:aws:kms:us-west-2:123456789012:key/k"
}

run "a_task_has_2_vcpu_4_gb_and_port_7500" {
  module {
    source = "./modules/ecs"
  }

  assert {
    condition     = aws_ecs_task_definition.this.cpu == "2048" && aws_ecs_task_definition.this.memory == "4096" && aws_ecs_task_definition.this.requires_compatibilities == toset(["FARGATE"]) && aws_ecs_task_definition.this.network_mode == "awsvpc"
    error_message = "Fargate, 2 vCPU, 4 GB."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].portMappings[0].containerPort == 7500
    error_message = "The container listens on 7500."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].image == "${var.repository_url}@${var.image_digest}"
    error_message = "The image is named by its digest."
  }
  assert {
    condition     = aws_ecs_task_definition.this.skip_destroy
    error_message = "Old revisions stay, for rollbacks."
  }
}

run "the_container_is_locked_down_and_stops_in_time" {
  module {
    source = "./modules/ecs"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].readonlyRootFilesystem && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].user == "10001:10001" && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].linuxParameters.capabilities.drop == ["ALL"]
    error_message = "Not root, read-only, without capabilities."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].stopTimeout == 60 && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].ulimits[0].softLimit == 65535
    error_message = "60 s to stop, 65,535 descriptors."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].healthCheck.command == ["CMD", "sidekick-lb", "healthcheck"]
    error_message = "The health check is our own program."
  }
  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options.mode == "non-blocking" && jsondecode(aws_ecs_task_definition.this.container_definitions)[0].logConfiguration.options["awslogs-group"] == "/ecs/sidekick"
    error_message = "A slow CloudWatch does not stall it."
  }
  assert {
    condition = { for e in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].environment : e.name => e.value } == {
      PGHOST                    = "db"
      SIDEKICK_DRAIN_TIMEOUT    = "55s"
      SIDEKICK_KEEPALIVE_IDLE   = "75s"
      SIDEKICK_PG_CONNECTIONS   = "8"
      SIDEKICK_REQUEST_DEADLINE = "50s"
      SIDEKICK_STOP_TIMEOUT     = "60s"
      SIDEKICK_WORKERS          = "2"
    }
    error_message = "The environment is what the variables say."
  }
  assert {
    condition     = tomap({ for s in jsondecode(aws_ecs_task_definition.this.container_definitions)[0].secrets : s.name => s.valueFrom }) == var.secrets
    error_message = "Secrets are read by ECS, key by key."
  }
}

run "a_failed_deployment_is_rolled_back" {
  module {
    source = "./modules/ecs"
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "Tasks that do not become healthy."
  }
  assert {
    condition     = aws_ecs_service.this.alarms[0].enable && aws_ecs_service.this.alarms[0].rollback && aws_ecs_service.this.alarms[0].alarm_names == toset(["sidekick-target-5xx-ratio"])
    error_message = "Tasks that answer with errors."
  }
  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_maximum_percent == 200
    error_message = "Capacity never drops during a deployment."
  }
}

run "the_service_keeps_two_private_tasks_behind_the_target_group" {
  module {
    source = "./modules/ecs"
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 2 && aws_ecs_service.this.launch_type == "FARGATE" && output.initial_count == 2
    error_message = "Two tasks on Fargate."
  }
  assert {
    condition     = aws_ecs_service.this.network_configuration[0].assign_public_ip == false && aws_ecs_service.this.network_configuration[0].subnets == toset(["subnet-1", "subnet-2"])
    error_message = "In private subnets, without public addresses."
  }
  assert {
    condition     = one(aws_ecs_service.this.load_balancer).target_group_arn == var.target_group_arn && one(aws_ecs_service.this.load_balancer).container_port == 7500
    error_message = "The target group sends to 7500."
  }
  assert {
    condition     = aws_ecs_service.this.health_check_grace_period_seconds == 30 && aws_ecs_service.this.availability_zone_rebalancing == "ENABLED" && aws_ecs_service.this.enable_execute_command == false
    error_message = "30 s to start, zones are kept even, nobody logs in."
  }
}

run "tasks_follow_requests_and_cpu" {
  module {
    source = "./modules/ecs"
  }

  assert {
    condition     = aws_appautoscaling_target.this[0].min_capacity == 2 && aws_appautoscaling_target.this[0].max_capacity == 8 && aws_appautoscaling_target.this[0].resource_id == "service/sidekick/sidekick"
    error_message = "Two to eight tasks."
  }
  assert {
    condition     = one(one(aws_appautoscaling_policy.this["requests"].target_tracking_scaling_policy_configuration).predefined_metric_specification).resource_label == "app/sidekick-alb/1/targetgroup/sk/1"
    error_message = "Requests per target of our target group."
  }
  assert {
    condition     = one(aws_appautoscaling_policy.this["cpu"].target_tracking_scaling_policy_configuration).target_value == 60 && one(aws_appautoscaling_policy.this["cpu"].target_tracking_scaling_policy_configuration).scale_in_cooldown == 300
    error_message = "60 % CPU, slow to shrink."
  }
}

run "without_an_image_the_service_wants_no_tasks" {
  variables {
    image_digest = null
  }
  module {
    source = "./modules/ecs"
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && length(aws_appautoscaling_policy.this) == 0 && output.initial_count == 0
    error_message = "Nothing to scale."
  }
}

run "the_cluster_is_observed" {
  module {
    source = "./modules/ecs"
  }

  assert {
    condition     = one(aws_ecs_cluster.this.setting).value == "enhanced" && alltrue([for group in [aws_cloudwatch_log_group.app, aws_cloudwatch_log_group.exec, aws_cloudwatch_log_group.insights] : group.retention_in_days == 30 && group.kms_key_id == var.kms_key_arn])
    error_message = "Container Insights is on; every log group is encrypted and ends."
  }
  assert {
    condition     = aws_ecs_cluster_capacity_providers.this.capacity_providers == toset(["FARGATE", "FARGATE_SPOT"])
    error_message = "Both kinds of Fargate can be used."
  }
}

run "roles_have_least_privilege" {
  variables {
    partition          = "aws"
    account_id         = "123456789012"
    repository_arn     = "arn:aws:ecr:us-west-2:123456789012:repository/sidekick"
    secret_arns        = ["arn:aws:secretsmanager:us-west-2:123456789012:secret:s"]
    app_log_group_arn  = "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/sidekick"
    exec_log_group_arn = "arn:aws:logs:us-west-2:123456789012:log-group:/ecs/sidekick/exec"
    flow_log_group_arn = "arn:aws:logs:us-west-2:123456789012:log-group:/vpc/sidekick/flow"
  }
  module {
    source = "./modules/iam"
  }

  assert {
    condition     = keys(aws_iam_role.this) == ["execution", "flow-log", "rds-monitoring", "task"]
    error_message = "Four roles."
  }
  assert {
    condition     = [for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Sid if s.Resource == "*"] == ["RegistryLogin"]
    error_message = "Only the registry's login, which AWS cannot narrow, is for every resource."
  }
  assert {
    condition     = toset(one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "ReadSecrets"])) == toset(var.secret_arns) && one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Condition.StringEquals["kms:ViaService"] if s.Sid == "DecryptSecrets"]) == "secretsmanager.us-west-2.amazonaws.com"
    error_message = "The named secrets, and the key through Secrets Manager only."
  }
  assert {
    condition     = alltrue([for role in aws_iam_role.this : jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"])
    error_message = "Services act for this account only."
  }
  assert {
    condition     = length(aws_iam_role_policy.task_exec) == 0
    error_message = "Our own code may do nothing in AWS."
  }
}
