"""A chunk maker with something to do before its first chunk."""

from fake_chunks import make_chunk

__all__ = ["make_chunk", "prepare"]


def prepare(config, announce):
    announce("warming up")
