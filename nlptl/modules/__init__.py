"""Modules of ours that hold weights or stand in for leaf modules of a checkpoint's model."""
