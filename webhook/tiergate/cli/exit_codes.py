"""Exit codes of every subcommand; they are part of the contract with scripts and CI."""

from enum import IntEnum


class Exit(IntEnum):
    """What a process says with its end."""

    OK = 0
    VIOLATIONS = 1
    FAILED = 1  # the same code, said of what the lifecycle commands could not do or prove
    USAGE = 2  # argparse's own code
    UNREADABLE_INPUT = 3
    CLUSTER_UNAVAILABLE = 4
