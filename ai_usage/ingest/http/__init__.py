"""HTTP for every API that is asked: limits, retries, paging, and errors that name what to do."""
