# Who may open a connection to whom. Every rule is a resource of its own: a rule inside a group's
# block and one outside it would overwrite each other.
#
#   world -> ALB 80, 443, 7500 -> tasks 7500 -> PostgreSQL 5432, Redis 6379
#                                            -> 443: AWS's APIs through NAT, or interface endpoints

locals {
  groups = merge(
    {
      alb      = "Load balancer: HTTP, HTTPS and ${var.app_port} from clients"
      ecs      = "Tasks: ${var.app_port} from the load balancer"
      postgres = "PostgreSQL: ${var.postgres_port} from the tasks"
      redis    = "Redis: ${var.redis_port} from the tasks"
    },
    var.has_interface_endpoints ? { endpoints = "VPC endpoints: 443 from the tasks" } : {},
  )

  alb_ports = toset([for port in [80, 443, var.app_port] : tostring(port)])

  # port/cidr -> one ingress rule of the load balancer
  alb_ingress = {
    for pair in setproduct(local.alb_ports, var.ingress_cidrs) :
    "${pair[0]} from ${pair[1]}" => { port = tonumber(pair[0]), cidr = pair[1] }
  }
}

resource "aws_security_group" "this" {
  for_each = local.groups

  name_prefix = "${var.name}-${each.key}-"
  description = each.value
  vpc_id      = var.vpc_id
  tags        = { Name = "${var.name}-${each.key}" }

  lifecycle {
    create_before_destroy = true
  }
}

# ---- load balancer -------------------------------------------------------------------------------

resource "aws_vpc_security_group_ingress_rule" "alb" {
  for_each = local.alb_ingress

  security_group_id = aws_security_group.this["alb"].id
  description       = "Clients to ${each.value.port}"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr
}

resource "aws_vpc_security_group_egress_rule" "alb_to_ecs" {
  security_group_id            = aws_security_group.this["alb"].id
  description                  = "Load balancer to tasks"
  ip_protocol                  = "tcp"
  from_port                    = var.app_port
  to_port                      = var.app_port
  referenced_security_group_id = aws_security_group.this["ecs"].id
}

# ---- tasks ---------------------------------------------------------------------------------------

resource "aws_vpc_security_group_ingress_rule" "ecs_from_alb" {
  security_group_id            = aws_security_group.this["ecs"].id
  description                  = "Load balancer to tasks"
  ip_protocol                  = "tcp"
  from_port                    = var.app_port
  to_port                      = var.app_port
  referenced_security_group_id = aws_security_group.this["alb"].id
}

resource "aws_vpc_security_group_egress_rule" "ecs_to_postgres" {
  security_group_id            = aws_security_group.this["ecs"].id
  description                  = "Tasks to PostgreSQL"
  ip_protocol                  = "tcp"
  from_port                    = var.postgres_port
  to_port                      = var.postgres_port
  referenced_security_group_id = aws_security_group.this["postgres"].id
}

resource "aws_vpc_security_group_egress_rule" "ecs_to_redis" {
  security_group_id            = aws_security_group.this["ecs"].id
  description                  = "Tasks to Redis"
  ip_protocol                  = "tcp"
  from_port                    = var.redis_port
  to_port                      = var.redis_port
  referenced_security_group_id = aws_security_group.this["redis"].id
}

resource "aws_vpc_security_group_egress_rule" "ecs_https" {
  count = var.has_nat ? 1 : 0

  security_group_id = aws_security_group.this["ecs"].id
  description       = "Tasks to HTTPS services through NAT"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_vpc_security_group_egress_rule" "ecs_to_endpoints" {
  count = var.has_interface_endpoints ? 1 : 0

  security_group_id            = aws_security_group.this["ecs"].id
  description                  = "Tasks to interface endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.this["endpoints"].id
}

resource "aws_vpc_security_group_egress_rule" "ecs_to_s3" {
  security_group_id = aws_security_group.this["ecs"].id
  description       = "Tasks to S3, where image layers are"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = var.s3_prefix_list_id
}

# ---- what the tasks use: no way out of these -----------------------------------------------------

resource "aws_vpc_security_group_ingress_rule" "postgres_from_ecs" {
  security_group_id            = aws_security_group.this["postgres"].id
  description                  = "Tasks to PostgreSQL"
  ip_protocol                  = "tcp"
  from_port                    = var.postgres_port
  to_port                      = var.postgres_port
  referenced_security_group_id = aws_security_group.this["ecs"].id
}

resource "aws_vpc_security_group_ingress_rule" "redis_from_ecs" {
  security_group_id            = aws_security_group.this["redis"].id
  description                  = "Tasks to Redis"
  ip_protocol                  = "tcp"
  from_port                    = var.redis_port
  to_port                      = var.redis_port
  referenced_security_group_id = aws_security_group.this["ecs"].id
}

resource "aws_vpc_security_group_ingress_rule" "endpoints_from_ecs" {
  count = var.has_interface_endpoints ? 1 : 0

  security_group_id            = aws_security_group.this["endpoints"].id
  description                  = "Tasks to interface endpoints"
  ip_protocol                  = "tcp"
  from_port                    = 443
  to_port                      = 443
  referenced_security_group_id = aws_security_group.this["ecs"].id
}
