"""All SQL of tracing, by subject: functions that take a connection inside an open READ COMMITTED transaction."""
