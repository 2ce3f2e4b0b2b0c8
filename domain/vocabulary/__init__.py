"""The words of the trust space, each parsed once and never half-understood."""
