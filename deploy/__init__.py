"""How Gridward is set up: `local` on this machine, beside it what Compose, Helm, Grafana and Prometheus read."""
