"""What a user might write instead of the product: each a small fair program that runs as a process of its own."""
