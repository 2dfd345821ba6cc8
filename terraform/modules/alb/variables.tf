variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "account_id" {
  description = "Account that owns the load balancer, for the log bucket's policy."
  type        = string
}

variable "vpc_id" {
  description = "VPC of the target group."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets, one per zone."
  type        = list(string)
}

variable "security_group_id" {
  description = "Group of the load balancer."
  type        = string
}

variable "certificate_arn" {
  description = "Certificate in ACM; null to serve plain HTTP, or to make one for domain_name."
  type        = string
  default     = null
}

variable "domain_name" {
  description = "Name that shall point at the load balancer; needs zone_id."
  type        = string
  default     = null
}

variable "zone_id" {
  description = "Route 53 zone of domain_name."
  type        = string
  default     = null
}

variable "ssl_policy" {
  description = "TLS policy of the HTTPS listeners."
  type        = string
  default     = "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09"
}

variable "idle_timeout_seconds" {
  description = "Idle connections, to clients and to tasks, are closed after this."
  type        = number
  default     = 60
}

variable "client_keep_alive_seconds" {
  description = "Longest life of a client's connection."
  type        = number
  default     = 3600
}

variable "deregistration_delay_seconds" {
  description = "How long requests may still finish on a task that is leaving."
  type        = number
  default     = 30
}

variable "desync_mitigation_mode" {
  description = "monitor, defensive or strictest."
  type        = string
  default     = "defensive"
}

variable "deletion_protection" {
  description = "Refuse to delete the load balancer and a log bucket that is not empty."
  type        = bool
  default     = true
}

variable "access_logs" {
  description = "Keep access and connection logs for 90 days in a bucket of their own."
  type        = bool
  default     = false
}
