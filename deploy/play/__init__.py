"""The play: a sample outbreak sent by the door on the stage clock, and its figures held against the truth."""
