"""One script a contestant: the same network, data and batch, trained as that library's user would train it.

Each runs in a process of its own, so that memory, allocator and threads are its own, and prints one line of
JSON last.
"""
