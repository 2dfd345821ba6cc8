output "replication_group_id" {
  description = "The group in metrics."
  value       = aws_elasticache_replication_group.this.replication_group_id
}

output "primary_endpoint" {
  description = "Host name that follows the primary."
  value       = aws_elasticache_replication_group.this.primary_endpoint_address
}

# Names of the nodes are fixed by ElastiCache: <group>-001 and on.
output "node_ids" {
  description = "The nodes in metrics."
  value       = [for i in range(1, 2 + var.replica_count) : format("%s-%03d", var.name, i)]
}

output "port" {
  description = "Port."
  value       = aws_elasticache_replication_group.this.port
}
