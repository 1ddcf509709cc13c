"""Tracing: facts in, each person's state derived, the difference out (Notices 000-003, system 6 and 7).

Hears exposures, cases, tests, tubes, orders, placements, adoptions of policy, and which
ids mean one person. Owns the schema `tracing`: the
facts, and what was derived from them. Says who is a contact, what the policy would have done about it, what is due, and
each person's whole state. It never says late or missed (alerts does) and never orders anything (people do).
"""
