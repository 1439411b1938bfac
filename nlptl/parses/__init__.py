"""Semantic parsing without a model: what can be written and copied, and how predicted forms are scored."""
