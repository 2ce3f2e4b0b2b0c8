"""The integrators' kit: tests of ours for engines and gateways of yours. `pip install huissier[testing]`."""
