"""The generated library and the project around it, as text, and writing it to a folder."""
