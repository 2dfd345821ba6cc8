output "dns_name" {
  description = "Host name of the load balancer."
  value       = aws_lb.this.dns_name
}

output "url" {
  description = "Where clients reach the service."
  value = (
    var.domain_name != null ? "https://${var.domain_name}" :
    local.has_tls ? "https://${aws_lb.this.dns_name}" : "http://${aws_lb.this.dns_name}"
  )
}

output "arn_suffix" {
  description = "The load balancer in metrics."
  value       = aws_lb.this.arn_suffix
}

output "target_group_arn" {
  description = "Target group of the tasks."
  value       = aws_lb_target_group.this.arn
}

output "target_group_arn_suffix" {
  description = "The target group in metrics."
  value       = aws_lb_target_group.this.arn_suffix
}

# A service may register its tasks only once the target group hangs on a listener.
output "listener_arns" {
  description = "Listeners by port."
  value = merge(
    { for port, listener in aws_lb_listener.forward : port => listener.arn },
    { for listener in aws_lb_listener.redirect : "80" => listener.arn },
  )
}
