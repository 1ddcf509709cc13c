"""`make bench`: how fast the product is, beside what its users might write instead, on one machine in one run.

Every figure is measured on real processes: Apache Kafka and PostgreSQL of `deploy/local`, the services by the entry
point and with the settings of `make run`. Nothing here is asserted by a test: a figure depends on the machine.
"""
