"""What makes a Debian machine a kiosk, or a hall's server: units, rules and settings of the system, and who places
them. Kiosk and hall share this room and nothing else of each other, so it imports neither.
"""
