"""Devices: serial link, protocol client, emulators, flashing."""
