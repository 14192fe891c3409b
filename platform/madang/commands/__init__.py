"""Commands of `madang`, a module each noun; `madang.cli` joins them. They import what they need when they run."""
