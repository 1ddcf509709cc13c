"""The pure rules of intake: identity numbers, recognition, who is who, and what a record says."""
