"""What replays a log: its decisions checked again (`verify.py`), and what other definitions would have decided."""
