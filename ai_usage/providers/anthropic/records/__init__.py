"""What a Claude record means: its fields, and the values they are known to take.

One struct for each record. Core reads them as they are, so a value or field that Anthropic adds is kept and never an
error; `schema_drift` reads their strict twins and reports it. A type such as `Cents` or `Id` marks a field without
which the record is of no use (`warehouse.reading`); every other field may be absent, null or unreadable. An absent
count is 0 where Anthropic leaves zeros out; a null one is unknown. Source: the Admin API reference, the beta analytics
one, and Enterprise analytics.
"""
