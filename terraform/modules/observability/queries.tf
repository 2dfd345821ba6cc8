# The runbook's queries, saved in CloudWatch Logs Insights. The text lies in queries/, one file
# each, because a test runs these very files over lines that the binaries wrote.

locals {
  queries = {
    "a1-recent-errors"       = "A1 Recent errors"
    "a2-errors-by-path"      = "A2 Recent errors by path"
    "b1-slow-routes"         = "B1 Slow routes"
    "b2-slow-routes-p99"     = "B2 Slow routes, p99"
    "c1-incomplete-requests" = "C1 Incomplete requests"
  }
}

resource "aws_cloudwatch_query_definition" "runbook" {
  for_each = local.queries

  name            = "${var.name}/${each.value}"
  log_group_names = [var.log_group_name]
  query_string    = file("${path.module}/queries/${each.key}.cwlq")
}
