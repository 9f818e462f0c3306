"""Claims: the review's statements as executable checks."""
