"""What a company spends on AI tools, to the cent and per person: a Dagster platform."""

import gc

# The definitions are a million objects that live as long as the process. With Python's own thresholds the garbage
# collector scans them again and again during the import: a third of the start. `definitions` restores the thresholds.
USUAL = gc.get_threshold()
gc.set_threshold(50_000, 20, 50)
