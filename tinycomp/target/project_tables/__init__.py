"""Tables of board files that belong to one kind of project: a module each, named as its table."""
