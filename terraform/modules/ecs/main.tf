# The cluster and the one service in it: Fargate tasks on port 7500 behind the target group.

locals {
  has_image = var.image_digest != null

  # Nothing is pulled while the service wants no tasks, so the tag need not exist.
  image = local.has_image ? "${var.repository_url}@${var.image_digest}" : "${var.repository_url}:not-pushed-yet"

  environment = merge(var.environment, {
    SIDEKICK_STOP_TIMEOUT     = "${var.stop_timeout_seconds}s"
    SIDEKICK_DRAIN_TIMEOUT    = "${var.drain_seconds}s"
    SIDEKICK_KEEPALIVE_IDLE   = "${var.keepalive_seconds}s"
    SIDEKICK_REQUEST_DEADLINE = "${var.request_deadline_seconds}s"
    SIDEKICK_WORKERS          = tostring(var.worker_count)
    SIDEKICK_PG_CONNECTIONS   = tostring(var.pg_connections_per_worker)
  })

  container = {
    name      = var.name
    image     = local.image
    essential = true
    user      = "10001:10001"

    portMappings = [{ name = "http", containerPort = 7500, hostPort = 7500, protocol = "tcp", appProtocol = "http" }]
    environment  = [for key in sort(keys(local.environment)) : { name = key, value = local.environment[key] }]
    secrets      = [for key in sort(keys(var.secrets)) : { name = key, valueFrom = var.secrets[key] }]

    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true, capabilities = { drop = ["ALL"] } }
    ulimits                = [{ name = "nofile", softLimit = 65535, hardLimit = 65535 }]

    startTimeout = 30
    stopTimeout  = var.stop_timeout_seconds

    # /livez: an outage of the database must not restart tasks.
    healthCheck = {
      command     = ["CMD", "sidekick-lb", "healthcheck"]
      interval    = 10
      timeout     = 5
      retries     = 3
      startPeriod = 10
    }

    # Blocking mode would stall the process whenever CloudWatch is slow.
    logConfiguration = {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.app.name
        awslogs-region        = var.region
        awslogs-stream-prefix = "task"
        mode                  = "non-blocking"
        max-buffer-size       = "25m"
      }
    }
  }
}

# ---- logs ----------------------------------------------------------------------------------------

resource "aws_cloudwatch_log_group" "app" {
  name              = var.log_group_names.app
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_log_group" "exec" {
  name              = var.log_group_names.exec
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Container Insights would create this group by itself, without a key and without an end.
resource "aws_cloudwatch_log_group" "insights" {
  name              = var.log_group_names.insights
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# ---- cluster -------------------------------------------------------------------------------------

resource "aws_ecs_cluster" "this" {
  name = var.name

  setting {
    name  = "containerInsights"
    value = "enhanced"
  }

  configuration {
    execute_command_configuration {
      kms_key_id = var.kms_key_arn
      logging    = "OVERRIDE"
      log_configuration {
        cloud_watch_encryption_enabled = true
        cloud_watch_log_group_name     = aws_cloudwatch_log_group.exec.name
      }
    }
  }

  depends_on = [aws_cloudwatch_log_group.insights]
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = ["FARGATE", "FARGATE_SPOT"]

  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    base              = 1
    weight            = 1
  }
}

# ---- task and service ----------------------------------------------------------------------------

resource "aws_ecs_task_definition" "this" {
  family                   = var.name
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.cpu
  memory                   = var.memory
  execution_role_arn       = var.execution_role_arn
  task_role_arn            = var.task_role_arn
  container_definitions    = jsonencode([local.container])

  # Old revisions stay registered: a deployment that fails is rolled back to one of them.
  skip_destroy = true

  runtime_platform {
    cpu_architecture        = var.cpu_architecture
    operating_system_family = "LINUX"
  }
}

# Autoscaling owns the count of a running service, so Terraform must not touch it. But a service
# that was made without an image wants no tasks, and nothing would ever raise that: it has nothing
# to scale on. So the service is made anew, with its true count, when the first image arrives.
# There are no tasks at that moment, hence no interruption.
resource "terraform_data" "has_image" {
  input = local.has_image
}

resource "aws_ecs_service" "this" {
  name            = var.name
  cluster         = aws_ecs_cluster.this.arn
  task_definition = aws_ecs_task_definition.this.arn
  desired_count   = local.has_image ? var.desired_count : 0

  launch_type                        = "FARGATE"
  platform_version                   = "LATEST"
  scheduling_strategy                = "REPLICA"
  availability_zone_rebalancing      = "ENABLED"
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = 30
  enable_execute_command             = var.enable_execute_command
  enable_ecs_managed_tags            = true
  propagate_tags                     = "SERVICE"
  wait_for_steady_state              = var.wait_for_steady_state

  deployment_controller {
    type = "ECS"
  }

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  alarms {
    enable      = true
    rollback    = true
    alarm_names = var.rollback_alarm_names
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.security_group_id]
    assign_public_ip = false
  }

  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = var.name
    container_port   = 7500
  }

  lifecycle {
    ignore_changes       = [desired_count]
    replace_triggered_by = [terraform_data.has_image]

    # Registering tasks fails until the target group hangs on a listener.
    precondition {
      condition     = length(var.listener_arns) > 0
      error_message = "The service needs a listener that forwards to its target group; listener_arns is empty."
    }
  }
}

# ---- autoscaling ---------------------------------------------------------------------------------

resource "aws_appautoscaling_target" "this" {
  count = local.has_image ? 1 : 0

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this.name}"
  min_capacity       = var.desired_count
  max_capacity       = var.max_count
}

resource "aws_appautoscaling_policy" "this" {
  for_each = local.has_image ? {
    requests = {
      metric = "ALBRequestCountPerTarget"
      label  = "${var.alb_arn_suffix}/${var.target_group_arn_suffix}"
      target = var.requests_per_target_per_minute
    }
    cpu = { metric = "ECSServiceAverageCPUUtilization", label = null, target = var.cpu_target_percent }
  } : {}

  name               = "${var.name}-${each.key}"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this[0].service_namespace
  scalable_dimension = aws_appautoscaling_target.this[0].scalable_dimension
  resource_id        = aws_appautoscaling_target.this[0].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = each.value.target
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = each.value.metric
      resource_label         = each.value.label
    }
  }
}
