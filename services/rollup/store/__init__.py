"""All SQL of rollup: statements, subjects, figures (for batches), reading (for people), drift (for the check)."""
