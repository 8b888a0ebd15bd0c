"""HTTP for every API: limits, retries, paging, and errors that name what to do."""
