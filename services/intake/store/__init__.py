"""All SQL of intake, as functions that take a connection inside an open transaction; set-based, locks in sorted order.

Within one admission the order of locks is: records known, keys, persons, dwellings, records new, rejects, ledger.
"""
