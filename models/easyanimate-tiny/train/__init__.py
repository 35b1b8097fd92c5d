"""Trains `easyanimate-tiny` on a world that it draws itself. See ../README.md for the commands."""
