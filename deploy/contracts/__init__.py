"""The contracts as others see them: schemas, AsyncAPI, golden examples, tables; and the gate against breaking them.

    python -m deploy.contracts write                  generate anew what has changed
    python -m deploy.contracts check [--against REV]  everything fresh, and nothing broken since REV

What the gate guards. The log is kept for ever, so the reader of today must take every record that any writer before
it has written: that direction is checked, and a break has one way out: a new event, or a new topic, beside the old.
The other direction cannot hold: readers refuse fields and values that they do not know (`extra="forbid"`), and what is
refused lies in the dead letters until the service is updated. So a new optional field, value or event is allowed, and
`check` names the consumers that must be updated before the producer.
A validator written in Python is in no schema: only the golden examples guard against one that refuses old records.
"""
