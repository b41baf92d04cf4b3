"""Records what leaves in real runs, and attacks it.

`records.py` and `grammar_users.py` make the users, `canaries.py` plants values in what they know
and type, `runs.py` lets each of them write through a recording relay, `texts.py` reads the record,
and `exposure.py`, `inference.py` and `timing.py` attack it. `report.py` says what came of it.
"""
