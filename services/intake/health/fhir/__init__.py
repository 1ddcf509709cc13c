"""FHIR R4: `resources` (JSON to checked resources), `reading` (to records), `answers` (OperationOutcome), `posting`."""
