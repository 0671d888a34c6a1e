"""What a person may ask of `python -m training`: a file a command, their common options, and how each may end."""
