"""The programs of the DSM stand-in. Python 3.8 syntax, standard library only: they run on DSM's Python."""
