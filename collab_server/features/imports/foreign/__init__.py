"""Preparation of files of other programs: encodings, styles, numbers and equations. Pure."""
