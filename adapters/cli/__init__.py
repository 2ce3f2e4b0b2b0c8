"""The command line `huissier`: plain text for people, `--json` for programs.

Exit status: 0 done; 1 the answer is no (a checked message is refused, a white list is refused, a store is not whole);
2 input or command line cannot be read; 3 the store or an output, such as a closed pipe, cannot be used.
"""

from huissier.adapters.cli.main import main

__all__ = ["main"]
