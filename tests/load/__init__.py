"""A load test of the running program, apart from the others: `python -m tests.load`."""
