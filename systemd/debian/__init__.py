"""Debian packages of a kiosk and of a hall: ``make deb``."""
