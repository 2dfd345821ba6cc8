variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the groups."
  type        = string
}

variable "ingress_cidrs" {
  description = "IPv4 ranges from which clients may reach the load balancer."
  type        = set(string)
}

variable "app_port" {
  description = "Port of the tasks, also open on the load balancer."
  type        = number
  default     = 7500
}

variable "postgres_port" {
  description = "Port of PostgreSQL."
  type        = number
  default     = 5432
}

variable "redis_port" {
  description = "Port of Redis."
  type        = number
  default     = 6379
}

variable "has_nat" {
  description = "Whether tasks reach the outside through NAT."
  type        = bool
}

variable "has_interface_endpoints" {
  description = "Whether there are interface endpoints."
  type        = bool
}

variable "s3_prefix_list_id" {
  description = "The addresses of S3."
  type        = string
}
