"""All SQL of rollup: statements, subjects, places, figures (for batches), reading (for people), drift, folding."""
