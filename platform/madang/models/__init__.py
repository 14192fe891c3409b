"""The lanes to models: one small module each behind one Protocol."""
