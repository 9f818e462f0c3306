"""The catalogue's values a second time, entered from the sources without looking at the first."""
