"""Turns a provider's record into a typed object, and reports a record that does not fit its type.

The struct of a record declares the fields without which the record is useless: those that carry money, identity or the
day (`Carries`). Where such a field cannot be read, the record is rejected, with the field and the reason. Any other
field that cannot be read is unknown (null) in an otherwise good record; `ingest.drift` reports it. An id is opaque: a
number is read as its text. A count may be written as `3.0`.

The usual case costs one decode of all records. Only where that fails are records read one by one, and only those that
do not fit field by field. A field's meaning is declared in each provider's `records`.
"""
