# tests/mastio: see the folder's files.
