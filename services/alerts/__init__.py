"""Alerts: the clocks that nobody can forget.

Hears cases, contacts, placements, visits, dues, policies and merges of ids. Owns clocks, watches over visit slots,
posts by line and the messages in their inboxes. Says DeadlineJudged, VisitMissed and MessageSent. tracing owns what is
due; alerts alone says late and missed.
"""
