# The VPC: 10.0.0.0/16 over two zones, public and private subnets, NAT, route tables.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  name                        = "sidekick"
  region                      = "us-west-2"
  cidr                        = "10.0.0.0/16"
  az_count                    = 2
  nat_mode                    = "single"
  interface_endpoints         = []
  endpoint_security_group_ids = []
  flow_log_group_name         = "/vpc/sidekick/flow"
  flow_log_role_arn           = "arn:aws:iam::123456789012:role/flow"
  log_retention_days          = 30
  kms_key_arn                 = "arn:aws:kms:us-west-2:123456789012:key/k"
}

run "two_zones_with_public_and_private_subnets" {
  module {
    source = "./modules/network"
  }

  assert {
    condition     = aws_vpc.this.cidr_block == "10.0.0.0/16" && aws_vpc.this.enable_dns_support && aws_vpc.this.enable_dns_hostnames
    error_message = "The VPC is 10.0.0.0/16 with DNS."
  }
  assert {
    condition     = { for zone, subnet in aws_subnet.public : zone => subnet.cidr_block } == { us-west-2a = "10.0.240.0/24", us-west-2b = "10.0.241.0/24" }
    error_message = "One public /24 in each of two zones."
  }
  assert {
    condition     = { for zone, subnet in aws_subnet.private : zone => subnet.cidr_block } == { us-west-2a = "10.0.0.0/20", us-west-2b = "10.0.16.0/20" }
    error_message = "One private /20 in each of two zones."
  }
  assert {
    condition     = alltrue([for subnet in concat(values(aws_subnet.public), values(aws_subnet.private)) : subnet.vpc_id == aws_vpc.this.id && !subnet.map_public_ip_on_launch])
    error_message = "Subnets lie in the VPC and hand out no public addresses by themselves."
  }
  assert {
    condition     = alltrue([for zone, subnet in merge(aws_subnet.public, aws_subnet.private) : subnet.availability_zone == zone])
    error_message = "A subnet lies in the zone it is named after."
  }
}

run "public_subnets_route_to_the_internet" {
  module {
    source = "./modules/network"
  }

  assert {
    condition     = aws_route.public_internet.destination_cidr_block == "0.0.0.0/0" && aws_route.public_internet.gateway_id == aws_internet_gateway.this.id
    error_message = "The public route leads to the internet gateway."
  }
  assert {
    condition     = length(aws_route_table_association.public) == 2 && alltrue([for link in aws_route_table_association.public : link.route_table_id == aws_route_table.public.id])
    error_message = "Both public subnets use the public table."
  }
}

run "private_subnets_route_through_one_nat_gateway" {
  module {
    source = "./modules/network"
  }

  assert {
    condition     = keys(aws_nat_gateway.this) == ["us-west-2a"] && aws_nat_gateway.this["us-west-2a"].subnet_id == aws_subnet.public["us-west-2a"].id
    error_message = "One NAT gateway, in a public subnet."
  }
  assert {
    condition     = length(aws_route.private_nat) == 2 && alltrue([for route in aws_route.private_nat : route.nat_gateway_id == aws_nat_gateway.this["us-west-2a"].id && route.destination_cidr_block == "0.0.0.0/0"])
    error_message = "Both private tables lead to the NAT gateway."
  }
  assert {
    condition     = alltrue([for zone, link in aws_route_table_association.private : link.route_table_id == aws_route_table.private[zone].id && link.subnet_id == aws_subnet.private[zone].id])
    error_message = "Each private subnet uses the table of its zone."
  }
}

run "each_zone_has_its_nat_gateway_on_request" {
  variables {
    nat_mode = "per_az"
  }
  module {
    source = "./modules/network"
  }

  assert {
    condition     = alltrue([for zone, route in aws_route.private_nat : route.nat_gateway_id == aws_nat_gateway.this[zone].id]) && length(aws_nat_gateway.this) == 2
    error_message = "Traffic stays in its zone."
  }
}

run "without_nat_there_are_endpoints" {
  variables {
    nat_mode                    = "none"
    interface_endpoints         = ["ecr.api", "ecr.dkr", "logs", "secretsmanager"]
    endpoint_security_group_ids = ["sg-1"]
  }
  module {
    source = "./modules/network"
  }

  assert {
    condition     = length(aws_nat_gateway.this) == 0 && length(aws_eip.nat) == 0 && length(aws_route.private_nat) == 0
    error_message = "No NAT, no address, no route out."
  }
  assert {
    condition     = aws_vpc_endpoint.interface["ecr.api"].service_name == "com.amazonaws.us-west-2.ecr.api" && alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.vpc_endpoint_type == "Interface" && endpoint.private_dns_enabled && endpoint.security_group_ids == toset(["sg-1"])])
    error_message = "Endpoints answer under AWS's own names, within their group."
  }
}

run "logs_and_defaults_are_closed" {
  module {
    source = "./modules/network"
  }

  assert {
    condition     = aws_vpc_endpoint.s3.vpc_endpoint_type == "Gateway" && aws_vpc_endpoint.s3.service_name == "com.amazonaws.us-west-2.s3" && length(aws_vpc_endpoint.s3.route_table_ids) == 2
    error_message = "S3 is reached through the gateway endpoint from both private tables."
  }
  assert {
    condition     = aws_flow_log.this.traffic_type == "ALL" && aws_flow_log.this.max_aggregation_interval == 60 && aws_flow_log.this.log_destination == aws_cloudwatch_log_group.flow.arn
    error_message = "All traffic is logged, each minute."
  }
  assert {
    condition     = aws_cloudwatch_log_group.flow.kms_key_id == var.kms_key_arn && aws_cloudwatch_log_group.flow.retention_in_days == 30
    error_message = "Flow logs are encrypted and end."
  }
  assert {
    condition     = aws_default_security_group.closed.vpc_id == aws_vpc.this.id
    error_message = "The default group is taken over, so that it has no rules."
  }
}
