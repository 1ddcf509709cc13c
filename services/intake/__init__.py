"""Intake: the only door. Each record that is sent gets a verdict, and what is accepted becomes events.

Hears no topic: records come over HTTP, in the canonical form of `records.py`. Owns the records it has seen, the vault
(who a person is, where a dwelling is), the grids, the ledger and the rejected rows. Says everything that a sender
may state: canvassings, screenings, arrivals, tubes, tests, cases, exposures, orders, placements, visits, policies
and the time of plays.

One record by eye: `reading` (bytes to a record, or problems) -> `admission` (recognised, resolved, stored) ->
`rules.facts` (record to facts) -> the events of one transaction -> a verdict.
"""
