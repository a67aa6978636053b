"""A store: the decoded images of a data set in a folder, made once and read without a copy in memory."""
