"""All SQL of alerts, by subject: facts that come in, clocks, watches over visits, posts and their messages."""
