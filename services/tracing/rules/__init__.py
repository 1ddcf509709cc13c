"""What follows from the facts around one person. Pure: `derive(surroundings)` reads no clock, network or database."""
