output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}

output "availability_zones" {
  description = "The zones in use."
  value       = local.zones
}

output "public_subnet_ids" {
  description = "One public subnet per zone."
  value       = [for zone in local.zones : aws_subnet.public[zone].id]
}

output "private_subnet_ids" {
  description = "One private subnet per zone."
  value       = [for zone in local.zones : aws_subnet.private[zone].id]
}

output "s3_prefix_list_id" {
  description = "The addresses of S3, as seen through the gateway endpoint."
  value       = aws_vpc_endpoint.s3.prefix_list_id
}

output "flow_log_group_arn" {
  description = "Log group of the flow logs."
  value       = aws_cloudwatch_log_group.flow.arn
}
