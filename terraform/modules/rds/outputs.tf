output "identifier" {
  description = "The instance in metrics."
  value       = aws_db_instance.this.identifier
}

output "address" {
  description = "Host name."
  value       = aws_db_instance.this.address
}

output "port" {
  description = "Port."
  value       = aws_db_instance.this.port
}

output "endpoint" {
  description = "Host name and port."
  value       = aws_db_instance.this.endpoint
}

output "db_name" {
  description = "Database."
  value       = aws_db_instance.this.db_name
}

output "master_secret_arn" {
  description = "Secret with the keys username and password."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}
