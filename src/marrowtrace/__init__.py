"""Model, measure and forecast the tumour cells that stay in bone marrow after therapy."""

from importlib.metadata import version as _version

__version__ = _version("marrowtrace")
__all__ = ["__version__"]
