"""What a run is asked for: the settings, the table of presets, what cannot work together, and `auto`."""
