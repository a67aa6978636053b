"""One script per contestant: the same network, data and batch, trained as a user of that library would train it.

Each runs in its own process with its own memory, allocator and threads. Its last output is one line of JSON.
"""
