variable "name" {
  description = "Identifier of the replication group and prefix of every name."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, one per zone."
  type        = list(string)
}

variable "security_group_id" {
  description = "Group of Redis."
  type        = string
}

variable "engine" {
  description = "redis or valkey."
  type        = string
}

variable "engine_version" {
  description = "Version of the engine, major.minor."
  type        = string
}

variable "node_type" {
  description = "Size of a node."
  type        = string
}

variable "replica_count" {
  description = "Replicas beside the primary."
  type        = number
}

variable "auth_token" {
  description = "Password; null for TLS and security group only. It is written to the state."
  type        = string
  default     = null
  sensitive   = true
}

variable "auth_token_update_strategy" {
  description = "SET when a group without a password gets its first one, else ROTATE."
  type        = string
  default     = "ROTATE"
}

variable "snapshot_retention_days" {
  description = "Daily snapshots to keep."
  type        = number
}

variable "log_group_prefix" {
  description = "Names of the log groups, up to the last slash."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Key for data and logs."
  type        = string
}
