# tests/fuzz: see the folder's files.
