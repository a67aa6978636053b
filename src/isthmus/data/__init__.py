"""From files to pixels: data sets, reading pictures, and their split into train, validation and test."""
