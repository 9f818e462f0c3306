"""Phylogeny: clone trees, migration histories, and whether cells left early or late."""
