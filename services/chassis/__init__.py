"""What each service is bolted to: delivery, clock, access, health. It knows no word of the domain.

Delivery in one line: outbox -> relay -> Kafka -> fence -> handlers -> state, outbox and positions in one transaction.
"""
