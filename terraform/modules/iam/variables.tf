variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "partition" {
  description = "Partition of the account, such as aws."
  type        = string
}

variable "account_id" {
  description = "Account in which the roles may be assumed."
  type        = string
}

variable "region" {
  description = "Region in which the roles may be assumed."
  type        = string
}

variable "repository_arn" {
  description = "Repository from which the image is pulled."
  type        = string
}

variable "secret_arns" {
  description = "Secrets that are handed to the task."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key of the secrets."
  type        = string
}

variable "app_log_group_arn" {
  description = "Log group of the tasks."
  type        = string
}

variable "exec_log_group_arn" {
  description = "Log group of ECS Exec sessions."
  type        = string
}

variable "flow_log_group_arn" {
  description = "Log group of the flow logs."
  type        = string
}

variable "enable_execute_command" {
  description = "Give the task role what ECS Exec needs."
  type        = bool
}
