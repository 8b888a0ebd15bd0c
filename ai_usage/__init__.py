"""What a company spends on AI tools, to the cent and per person: a Dagster platform."""

import gc

# The definitions are a million objects that live as long as the process. By Python's own thresholds a process looks
# through them again and again while it imports them: a third of its start. `definitions` sets them back.
USUAL = gc.get_threshold()
gc.set_threshold(50_000, 20, 50)
