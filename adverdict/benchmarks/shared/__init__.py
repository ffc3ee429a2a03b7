"""What the benchmarks share: test beds, processes, databases, the machine they ran on."""
