"""Topics `upstream-*` of another cluster: `events` (CloudEvents), `reading` (what the door takes), `consumer`, `where`.

These topics carry no numbers of ours: the offset is the fence. It is kept in the transaction that admits the records,
so what was admitted is never read again; what comes again all the same, in a topic made anew, `admit` recognises.
"""
