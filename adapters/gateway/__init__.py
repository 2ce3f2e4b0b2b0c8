"""Gateways: what an SMTP session asks becomes commands, and answers become SMTP replies."""
