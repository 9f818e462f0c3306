"""Figures from result objects: an axes in, the axes out."""
