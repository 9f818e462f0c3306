"""Studies: from a protocol file to a folder of results."""
