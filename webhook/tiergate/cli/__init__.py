"""The command line. Each subcommand is imported when it is called, so that none pays for another's libraries."""
