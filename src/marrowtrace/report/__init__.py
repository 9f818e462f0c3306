"""One-file HTML pages: no network, readable on a phone, fit to print."""
