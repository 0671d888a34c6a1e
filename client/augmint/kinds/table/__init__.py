"""Tables: float32 [columns] as rows of categories, numbers, dates and truth values."""

from __future__ import annotations

from augmint.kinds.table.column import Column, ColumnType, columns, label_name
from augmint.kinds.table.encoding import Features, encode_frame, features

__all__ = ["Column", "ColumnType", "Features", "columns", "encode_frame", "features", "label_name"]
