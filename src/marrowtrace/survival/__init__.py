"""Time to event: curves and follow-up."""
