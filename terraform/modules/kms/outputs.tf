output "key_arn" {
  description = "The key."
  value       = aws_kms_key.this.arn
}

output "app_secret_arn" {
  description = "Secret with the application's settings."
  value       = aws_secretsmanager_secret.app.arn
}
