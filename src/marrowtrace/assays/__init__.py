"""Assays: what a laboratory would have seen of a patient's tumour cells."""
