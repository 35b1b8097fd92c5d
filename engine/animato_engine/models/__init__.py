"""The models that the engine can run, one module each."""
