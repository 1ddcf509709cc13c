"""Rules of rollup, pure: counting (which statement counts for which subject), summing (what that does to figures)."""
