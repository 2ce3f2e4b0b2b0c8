"""A log decided again: a copy, a server's or any other source of its bytes, on all cores and in bounded memory."""
