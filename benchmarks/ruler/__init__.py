"""The ruler, which checks to the last bit, on this machine, whether a change of the code changes what it computes.

    python -m benchmarks.ruler base=<commit> [only=<pattern>] [keep=<directory>] [explained=<file>]
    make ruler BASE=<commit>

It runs the cases in `cases.py` (short runs of train.py, evaluate.py and the report) twice: on a worktree of the base
commit, and on the checkout it is part of, each side in a process of one thread. Then it compares the results: metrics,
curves and tables number by number, weights and optimiser state bit by bit, pictures pixel by pixel; figures need only
exist. Measurements of the machine (seconds, megabytes, dates) are not compared. Nothing is stored: without `keep=` all
files are in a temporary directory. Do not change the checkout while it runs.

The exit code is 1 if there is a difference without an explanation. `explained=` names a text file with a line per
intended difference, `<pattern>  <reason>`, separated by two blanks. The pattern is matched against the place in the
table, `<case>/<file>:<name>`, with `*` for anything. Values that only change their names are listed in `renames.py`.

The ruler uses only stable interfaces, scripts and command lines, and never modules of siren_pl, so that those may move.
"""
