# tests/judge: see the folder's files.
