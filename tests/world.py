"""The kit's small hospital world is the one that these tests tell of."""

from huissier.adapters.testing.hospital import *  # noqa: F403 every name of it
