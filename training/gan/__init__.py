"""The method: batches, objectives, one step, the average of the weights."""
