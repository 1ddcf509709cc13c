"""Spreadsheets as they come: a file (xlsx, csv, tsv) and a mapping (TOML) to records, and rejected rows back as a file.

By eye: `files` (bytes to a table of cells, refused whole when it cannot be read safely) -> `headers` (where the columns
are) -> `rows` (cells to records by `mapping` and `cells`, or problems by column) -> a verdict for each row ->
`returned` (the rejected rows in the form they came in, with the reason). `gridward send` and `POST /sheets` both go
this way; nothing here touches the network or the database.
"""
