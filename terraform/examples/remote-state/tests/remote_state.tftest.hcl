mock_provider "aws" {}

run "the_state_is_versioned_encrypted_and_private" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_versioning.state.versioning_configuration).status == "Enabled" && aws_s3_bucket.state.force_destroy == false
    error_message = "No state is lost."
  }
  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.state.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "It is encrypted with a key of its own."
  }
  assert {
    condition     = aws_s3_bucket_public_access_block.state.block_public_acls && aws_s3_bucket_public_access_block.state.block_public_policy && aws_s3_bucket_public_access_block.state.ignore_public_acls && aws_s3_bucket_public_access_block.state.restrict_public_buckets
    error_message = "It is private."
  }
}

run "a_bucket_name_with_capitals_is_refused" {
  command = plan
  variables {
    bucket_prefix = "Sidekick-"
  }
  expect_failures = [var.bucket_prefix]
}
