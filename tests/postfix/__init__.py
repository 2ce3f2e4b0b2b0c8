"""Real Postfix servers in front of huissier; see `server` for what they are and `reckoning` for what must hold."""
