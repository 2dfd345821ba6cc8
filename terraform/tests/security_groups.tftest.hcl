# Who may reach whom: load balancer 80, 443, 7500; tasks 7500; PostgreSQL 5432; Redis 6379.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                    = "sidekick"
  vpc_id                  = "vpc-1"
  ingress_cidrs           = ["0.0.0.0/0"]
  has_nat                 = true
  has_interface_endpoints = false
  s3_prefix_list_id       = "pl-1"
}

run "clients_reach_the_load_balancer_on_80_443_and_7500" {
  module {
    source = "./modules/security_groups"
  }

  assert {
    condition     = toset([for rule in aws_vpc_security_group_ingress_rule.alb : "${rule.from_port}-${rule.to_port} ${rule.ip_protocol} ${rule.cidr_ipv4}"]) == toset(["80-80 tcp 0.0.0.0/0", "443-443 tcp 0.0.0.0/0", "7500-7500 tcp 0.0.0.0/0"])
    error_message = "Exactly 80, 443 and 7500."
  }
  assert {
    condition     = alltrue([for rule in aws_vpc_security_group_ingress_rule.alb : rule.security_group_id == aws_security_group.this["alb"].id])
    error_message = "The rules are the load balancer's."
  }
  assert {
    condition     = keys(aws_security_group.this) == ["alb", "ecs", "postgres", "redis"] && alltrue([for group in aws_security_group.this : group.vpc_id == "vpc-1"])
    error_message = "Four groups in the VPC."
  }
}

run "the_load_balancer_reaches_tasks_on_7500" {
  module {
    source = "./modules/security_groups"
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.alb_to_ecs.security_group_id == aws_security_group.this["alb"].id &&
      aws_vpc_security_group_egress_rule.alb_to_ecs.referenced_security_group_id == aws_security_group.this["ecs"].id &&
      aws_vpc_security_group_egress_rule.alb_to_ecs.from_port == 7500 && aws_vpc_security_group_egress_rule.alb_to_ecs.to_port == 7500
    )
    error_message = "Out of the load balancer: 7500 to tasks."
  }
  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.ecs_from_alb.security_group_id == aws_security_group.this["ecs"].id &&
      aws_vpc_security_group_ingress_rule.ecs_from_alb.referenced_security_group_id == aws_security_group.this["alb"].id &&
      aws_vpc_security_group_ingress_rule.ecs_from_alb.from_port == 7500 && aws_vpc_security_group_ingress_rule.ecs_from_alb.to_port == 7500
    )
    error_message = "Into tasks: 7500 from the load balancer."
  }
}

run "tasks_reach_postgresql_on_5432" {
  module {
    source = "./modules/security_groups"
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.postgres_from_ecs.security_group_id == aws_security_group.this["postgres"].id &&
      aws_vpc_security_group_ingress_rule.postgres_from_ecs.referenced_security_group_id == aws_security_group.this["ecs"].id &&
      aws_vpc_security_group_ingress_rule.postgres_from_ecs.from_port == 5432 && aws_vpc_security_group_ingress_rule.postgres_from_ecs.to_port == 5432
    )
    error_message = "Into PostgreSQL: 5432 from tasks."
  }
  assert {
    condition = (
      aws_vpc_security_group_egress_rule.ecs_to_postgres.security_group_id == aws_security_group.this["ecs"].id &&
      aws_vpc_security_group_egress_rule.ecs_to_postgres.referenced_security_group_id == aws_security_group.this["postgres"].id &&
      aws_vpc_security_group_egress_rule.ecs_to_postgres.from_port == 5432
    )
    error_message = "Out of tasks: 5432 to PostgreSQL."
  }
}

run "tasks_reach_redis_on_6379" {
  module {
    source = "./modules/security_groups"
  }

  assert {
    condition = (
      aws_vpc_security_group_ingress_rule.redis_from_ecs.security_group_id == aws_security_group.this["redis"].id &&
      aws_vpc_security_group_ingress_rule.redis_from_ecs.referenced_security_group_id == aws_security_group.this["ecs"].id &&
      aws_vpc_security_group_ingress_rule.redis_from_ecs.from_port == 6379 && aws_vpc_security_group_ingress_rule.redis_from_ecs.to_port == 6379
    )
    error_message = "Into Redis: 6379 from tasks."
  }
  assert {
    condition = (
      aws_vpc_security_group_egress_rule.ecs_to_redis.security_group_id == aws_security_group.this["ecs"].id &&
      aws_vpc_security_group_egress_rule.ecs_to_redis.referenced_security_group_id == aws_security_group.this["redis"].id &&
      aws_vpc_security_group_egress_rule.ecs_to_redis.from_port == 6379
    )
    error_message = "Out of tasks: 6379 to Redis."
  }
}

run "clients_can_be_narrowed" {
  variables {
    ingress_cidrs = ["203.0.113.0/24", "198.51.100.0/24"]
  }
  module {
    source = "./modules/security_groups"
  }

  assert {
    condition     = length(aws_vpc_security_group_ingress_rule.alb) == 6 && toset([for rule in aws_vpc_security_group_ingress_rule.alb : rule.cidr_ipv4]) == toset(["203.0.113.0/24", "198.51.100.0/24"])
    error_message = "Each port from each range, and from nowhere else."
  }
}

run "without_nat_tasks_reach_endpoints_only" {
  variables {
    has_nat                 = false
    has_interface_endpoints = true
  }
  module {
    source = "./modules/security_groups"
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.ecs_https) == 0
    error_message = "No way to the outside."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.ecs_to_endpoints[0].referenced_security_group_id == aws_security_group.this["endpoints"].id && aws_vpc_security_group_ingress_rule.endpoints_from_ecs[0].referenced_security_group_id == aws_security_group.this["ecs"].id
    error_message = "443 between tasks and endpoints."
  }
  assert {
    condition     = aws_vpc_security_group_egress_rule.ecs_to_s3.prefix_list_id == "pl-1"
    error_message = "S3 stays reachable: image layers come from there."
  }
}
