"""
Names of processes as people write them: ``group:process``.

A process whose group has the same name is called by that name alone. ``group:*`` and ``group:``
mean all processes of a group (Supervisor docs, "Running supervisorctl").
"""


def join(group: str, process: str) -> str:
    """Return the shortest name of a process."""
    return process if group == process else f"{group}:{process}"


def split(namespec: str) -> tuple[str, str | None]:
    """Return group and process; no process where all of the group are meant."""
    group, colon, process = namespec.partition(":")
    if not colon:
        return namespec, namespec
    return group, None if process in ("", "*") else process
