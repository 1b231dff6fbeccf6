"""The bot against other bots, on one machine: throughput, latency, CPU and memory. `python -m benchmarks --help`."""
