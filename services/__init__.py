"""The four services and the chassis that they are bolted to."""
