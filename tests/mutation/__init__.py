"""Mutants of the rules: small changes of the code that the tests must notice, or that somebody has explained."""
