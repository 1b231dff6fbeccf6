"""The program behind bin/release: Python 3.8, standard library only."""
