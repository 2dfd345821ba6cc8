variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "region" {
  description = "Region of the endpoints."
  type        = string
}

variable "cidr" {
  description = "Address range of the VPC."
  type        = string
}

variable "az_count" {
  description = "Availability zones to span."
  type        = number
}

variable "nat_mode" {
  description = "single: one NAT gateway; per_az: one in each zone; none: interface endpoints only."
  type        = string
}

variable "interface_endpoints" {
  description = "AWS services to reach over interface endpoints, such as ecr.api or logs."
  type        = set(string)
}

variable "endpoint_security_group_ids" {
  description = "Security groups of the interface endpoints."
  type        = list(string)
}

variable "flow_log_group_name" {
  description = "Name of the flow logs' log group."
  type        = string
}

variable "flow_log_role_arn" {
  description = "Role with which flow logs are delivered."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which flow logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Key for the flow logs."
  type        = string
}
