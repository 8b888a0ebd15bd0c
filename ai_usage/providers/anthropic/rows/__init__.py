"""Turns Claude's records into rows of core. Pure: records in, a frame out; the assets decide where it goes.

A record that cannot be used has no row: `Records.rejections` then names it.
"""
