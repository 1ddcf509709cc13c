"""The forms in which some senders speak, rendered from the same records: what is said stays, the truth with it.

`carrying` chooses who speaks how; each other module writes one form, from its standard and not from our services.
"""
