"""The warehouse in BigQuery, for companies that outgrow one machine."""
