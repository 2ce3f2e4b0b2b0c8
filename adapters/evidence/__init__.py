"""Evidence: a Merkle tree over the log, signed checkpoints, proofs, witnesses, and verifying all of them.

Pure but for `nodes` (the database of read models), `store_leaves` (the store) and `keys` (files): hashing, notes and
proofs take bytes and give bytes. What is hashed is in `leaf`, how in `tree`, and docs/evidence.md says both in words.
"""
