variable "name" {
  description = "Identifier of the instance and prefix of every name."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets, one per zone."
  type        = list(string)
}

variable "security_group_id" {
  description = "Group of PostgreSQL."
  type        = string
}

variable "engine_version" {
  description = "Major version, or major.minor to pin one."
  type        = string
}

variable "instance_class" {
  description = "Size of the instance."
  type        = string
}

variable "db_name" {
  description = "Database to create."
  type        = string
}

variable "master_username" {
  description = "User whose password RDS manages."
  type        = string
}

variable "max_connections" {
  description = "Connections PostgreSQL accepts."
  type        = number
}

variable "allocated_storage_gib" {
  description = "Storage at first."
  type        = number
}

variable "max_allocated_storage_gib" {
  description = "Storage up to which RDS grows by itself."
  type        = number
}

variable "multi_az" {
  description = "Keep a standby in another zone."
  type        = bool
}

variable "backup_retention_days" {
  description = "Days of point-in-time recovery."
  type        = number
}

variable "deletion_protection" {
  description = "Refuse to delete the instance."
  type        = bool
}

variable "monitoring_role_arn" {
  description = "Role of enhanced monitoring."
  type        = string
}

variable "log_group_prefix" {
  description = "What RDS calls the instance's log groups, up to the last slash."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "Key for storage, password, insights and logs."
  type        = string
}
