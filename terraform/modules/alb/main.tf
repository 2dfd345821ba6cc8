# The load balancer, its target group, its listeners, and on request a certificate and access logs.
#
# Without a certificate 80 and 7500 serve plain HTTP. With one, 80 redirects to 443, and 443 and
# 7500 speak TLS.

locals {
  # A certificate is made here when there is a domain and a zone to prove it in.
  makes_certificate = var.domain_name != null && var.certificate_arn == null
  has_tls           = local.makes_certificate || var.certificate_arn != null
  certificate_arn   = local.makes_certificate ? aws_acm_certificate_validation.this[0].certificate_arn : var.certificate_arn

  forwarding_listeners = local.has_tls ? { "443" = "HTTPS", "7500" = "HTTPS" } : { "80" = "HTTP", "7500" = "HTTP" }
}

resource "aws_lb" "this" {
  name               = "${var.name}-alb"
  load_balancer_type = "application"
  internal           = false
  ip_address_type    = "ipv4"
  subnets            = var.subnet_ids
  security_groups    = [var.security_group_id]

  idle_timeout               = var.idle_timeout_seconds
  client_keep_alive          = var.client_keep_alive_seconds
  enable_http2               = true
  drop_invalid_header_fields = true
  desync_mitigation_mode     = var.desync_mitigation_mode
  preserve_host_header       = true
  xff_header_processing_mode = "append"
  enable_deletion_protection = var.deletion_protection

  dynamic "access_logs" {
    for_each = var.access_logs ? [1] : []
    content {
      bucket  = aws_s3_bucket.logs[0].bucket
      prefix  = "access"
      enabled = true
    }
  }

  dynamic "connection_logs" {
    for_each = var.access_logs ? [1] : []
    content {
      bucket  = aws_s3_bucket.logs[0].bucket
      prefix  = "connection"
      enabled = true
    }
  }

  depends_on = [aws_s3_bucket_policy.logs]
}

resource "aws_lb_target_group" "this" {
  name_prefix = "sk-" # At most six characters fit.
  vpc_id      = var.vpc_id
  target_type = "ip"
  port        = 7500
  protocol    = "HTTP"

  # HTTP/2 to a target would multiplex many clients on one connection that a drain must then cut.
  protocol_version              = "HTTP1"
  load_balancing_algorithm_type = "least_outstanding_requests"
  deregistration_delay          = var.deregistration_delay_seconds

  health_check {
    path                = "/healthz"
    port                = "traffic-port"
    protocol            = "HTTP"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_lb_listener" "forward" {
  for_each = local.forwarding_listeners

  load_balancer_arn = aws_lb.this.arn
  port              = tonumber(each.key)
  protocol          = each.value
  certificate_arn   = each.value == "HTTPS" ? local.certificate_arn : null

  # Left out, the API falls back to a policy of 2016. This one is TLS 1.2 and 1.3 with
  # post-quantum key exchange.
  ssl_policy = each.value == "HTTPS" ? var.ssl_policy : null

  routing_http_response_server_enabled = false
  routing_http_response_strict_transport_security_header_value = (
    each.value == "HTTPS" ? "max-age=31536000" : null
  )

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.this.arn
  }
}

resource "aws_lb_listener" "redirect" {
  count = local.has_tls ? 1 : 0

  load_balancer_arn = aws_lb.this.arn
  port              = 80
  protocol          = "HTTP"

  routing_http_response_server_enabled = false

  default_action {
    type = "redirect"
    redirect {
      status_code = "HTTP_301"
      protocol    = "HTTPS"
      port        = "443"
      host        = "#{host}"
      path        = "/#{path}"
      query       = "#{query}"
    }
  }
}

# ---- domain and certificate ----------------------------------------------------------------------

resource "aws_acm_certificate" "this" {
  count = local.makes_certificate ? 1 : 0

  domain_name       = var.domain_name
  validation_method = "DNS"

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_route53_record" "validation" {
  count = local.makes_certificate ? 1 : 0

  zone_id         = var.zone_id
  name            = one(aws_acm_certificate.this[0].domain_validation_options).resource_record_name
  type            = one(aws_acm_certificate.this[0].domain_validation_options).resource_record_type
  records         = [one(aws_acm_certificate.this[0].domain_validation_options).resource_record_value]
  ttl             = 300
  allow_overwrite = true
}

resource "aws_acm_certificate_validation" "this" {
  count = local.makes_certificate ? 1 : 0

  certificate_arn         = aws_acm_certificate.this[0].arn
  validation_record_fqdns = [aws_route53_record.validation[0].fqdn]
}

resource "aws_route53_record" "alias" {
  count = var.domain_name != null ? 1 : 0

  zone_id = var.zone_id
  name    = var.domain_name
  type    = "A"

  alias {
    name                   = aws_lb.this.dns_name
    zone_id                = aws_lb.this.zone_id
    evaluate_target_health = true
  }
}
