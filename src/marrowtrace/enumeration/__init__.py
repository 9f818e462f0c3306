"""Rare-cell statistics: how often and how many tumour cells were found."""
