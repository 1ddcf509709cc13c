"""Intake: the only door. Each record that is sent gets a verdict, and what is accepted becomes events.

Records come over HTTP, in the canonical form of `records.py`. Hears dues and deadlines alone, for the workers' lists.
Owns the records it has seen, the vault (who a person is, where a dwelling is), the grids, the roster, who answers for
what, the ledger and the rejected rows. Says everything that a sender may state: canvassings, screenings, arrivals,
tubes, tests, cases, exposures, orders, placements, visits, which ids mean one person, policies and the time of plays.

One record by eye: `reading` (bytes to a record, or problems) -> `admission` (recognised, resolved, stored) ->
`rules.facts` (record to facts) -> the events of one transaction -> a verdict.
A worker's day: `today` (what is owed, by whom it may be), `worker_routes`.
"""
