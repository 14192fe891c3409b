"""Posts: what a revision is, how posts are read from files, masked and landed."""
