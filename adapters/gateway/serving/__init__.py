"""What a gateway that listens shares with the others: sockets, connections, signals, draining and reloading.

A protocol plugs in with a factory of sessions, one session a connection (`session.Session`): bytes in, bytes out, no
socket in sight. `server.Server` runs them; `listening` opens what they listen on; `systemd` speaks with the service
manager; `running.run` puts it together with the store, the configuration and the signals.
"""
