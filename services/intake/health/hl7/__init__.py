"""HL7 v2.3 to 2.5.1: `message` (bytes to segments), `reading` (to records), `answers` (ACK), `mllp` (the listener).

`hl7` of PyPI reads the same form; it writes what it cannot unescape into its log, names and all, takes \\X..\\ for code
points, and forgets a connection's bytes at its limit. So the few lines of splitting are ours; it reads our answers in
tests.
"""
