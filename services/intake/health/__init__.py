"""Feeds of the health system: HL7 v2, FHIR R4 and another cluster's topics, each made canonical records, then admitted.

A form of message is a pure function from the message to items (`hl7.reading`, `fhir.reading`); what is one sender's own
(who it is, where it lies, its zone, its words) is one file of `sources`; what the standards call things is data in
`lists`. `taking` hands the records to the door; `hl7.answers` and `fhir.answers` say the verdicts.
"""
