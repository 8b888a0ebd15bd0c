"""What is known of each provider: a folder each, all alike inside."""
