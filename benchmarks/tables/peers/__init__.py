"""Generators of tables that others made, each a program for an environment of its own.

    python -m benchmarks.tables.peers.NAME TRAIN.parquet FOLDER --label COLUMN --rows N --draws N --threads N

It learns from TRAIN.parquet (missing values are null) and writes FOLDER/0.parquet, FOLDER/1.parquet, ...: draws of N
rows with the class frequencies of the training rows. What it took stands in FOLDER/told.json, as `Told` says.
"""
