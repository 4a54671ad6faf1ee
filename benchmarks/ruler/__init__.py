"""The ruler: does a change of the code change what it computes? To the last bit, on this machine, now.

    python -m benchmarks.ruler base=<commit> [only=<pattern>] [keep=<directory>] [explained=<file>]
    make ruler BASE=<commit>

It runs the cases of `cases.py` (short runs through train.py, evaluate.py and the report) twice, on a worktree of the
base commit and on the checkout it stands in, each side in a process of one thread, and compares what they leave behind:
metrics, curves and tables number by number, weights and optimiser state bit by bit, pictures pixel by pixel; of figures
only that they are there. What measures the machine (seconds, megabytes, dates) is not compared, and nothing is stored:
without `keep=` all of it lies in a temporary directory. Leave the checkout alone while it runs.

The exit code is 1 if anything differs that is not explained. `explained=` names a text file with a line per difference
that is meant, `<pattern>  <reason>`, two blanks between them; the pattern is matched against the place that the table
names, `<case>/<file>:<name>`, with `*` for anything. What changes its name and not its value stands in `renames.py`.

Only stable doors are used, scripts and command lines, never modules of siren_pl, so that those may move.
"""
