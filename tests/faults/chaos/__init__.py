"""Chaos: the services as replicas on real servers, hurt at seeded instants while records flow, then judged.

`python -m tests.faults.chaos --records N --seed S`. Nothing in the product knows of it: windows are hit by locks that
the harness holds in the database, networks are cut by a proxy, and what consumers applied is written down by a probe.
"""
