"""The asv suite; it holds nothing else, since asv imports every module beside its benchmarks."""
