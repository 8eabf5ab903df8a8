"""Damaged files and replies for everything in hwgen that reads: ``make fuzz``.

``readers.py`` has the table of what is read; ``damage*.py`` damage valid files; ``sandbox.py`` runs
a case where it can do no harm; ``judge.py`` says what became of it; ``campaign.py`` counts.
"""
