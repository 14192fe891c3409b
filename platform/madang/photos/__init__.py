"""Photos of a listing: how good they are, what they show, and which one should be its cover."""
