"""Card and source -> rows -> splits -> batches."""
