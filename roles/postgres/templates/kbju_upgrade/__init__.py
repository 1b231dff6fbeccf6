"""The program behind bin/upgrade-postgres: Python 3.8, standard library only, beside kbju_backup and kbju_release."""
