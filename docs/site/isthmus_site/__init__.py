"""What makes the site from the repository: `python docs/site/build.py`."""
