"""Histories of a town: the real kiosk and the real hall under a simulated clock, disk, network, devices and people."""
