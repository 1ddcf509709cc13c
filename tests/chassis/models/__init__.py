"""The delivery protocol as two small models, searched state by state. Read `producing` first, then `consuming`.

    outbox -> relay -> log      `producing`: whatever transactions, relays and the broker do, the log holds each event's
                                first record in the order of the numbers, and a row leaves the outbox only after that.
    log -> fence -> state       `consuming`: whatever consumers do over any such log, they apply what one undisturbed
                                reader would apply, once and in order.

Each model takes its protocol as an argument, so the weaker forms can be searched too: they fail, and the search shows
the shortest way to the failure. Not modelled: SQL isolation, restores of the producer's database, several lanes, time.
"""
