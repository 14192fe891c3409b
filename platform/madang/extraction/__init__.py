"""From plan to rows: what needs a call, who may send it, and what the reply means."""
