"""Shared by all other rooms: errors, progress reporting, locks, the folders of the package."""
