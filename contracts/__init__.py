"""What the services say to each other. Imports nothing of ours, opens no connection."""
