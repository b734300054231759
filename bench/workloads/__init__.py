"""
One module for each workload.

Each has ``NAME``, a docstring that says what is done and timed, and ``run(contestant, directory,
size)``, which does it once and returns its figures. The directory is empty and its own. One that is
not to be done as often as the others has ``MOST_ROUNDS``.
"""
