"""Labels of samples that are files, from tables that name them: CSV, TSV, JSON lines, lists, Parquet."""
