"""Reports: JSON and terminal."""
