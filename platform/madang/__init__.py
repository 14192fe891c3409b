"""Posts of a neighbourhood community in, typed and evidenced attributes out."""
