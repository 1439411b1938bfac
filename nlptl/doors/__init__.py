"""Doors: one file a group of commands. A door parses and prints; `nlptl.cli` puts them all on one command line."""
