"""A page about a training that runs in another process, from the files of its folder alone."""
