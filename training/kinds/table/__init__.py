"""Tables: float32 [columns], rows of one schema."""
