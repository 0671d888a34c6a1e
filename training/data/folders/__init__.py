"""Folders of files that are samples, whatever their kind: classes and splits by the names of folders."""
