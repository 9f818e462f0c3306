"""Expression: the state of tumour cells, and which comparisons the data can bear."""
