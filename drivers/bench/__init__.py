"""Simulated devices that speak the real bytes over real transports, with faults on command.

A feature, not test code: technicians train on it, the demonstration and the tests run against it. ``device`` is what a
simulated device has to be; ``line`` carries its bytes; ``server`` puts devices on a bench, and ``control`` commands it.
"""
