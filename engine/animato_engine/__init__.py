"""The engine process of Animato: models on one device, one pass at a time on it.

The contract with the server is `docs/engine-protocol.md`.
"""

# Part of every result key: raise it whenever the same request would give other bytes.
__version__ = "0.2.0"
