"""The backup program of the NAS: Python 3.8, standard library only. `backup.py` beside this folder starts it."""
