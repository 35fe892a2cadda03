"""What talks to Temporal from outside: the `perdure` command."""
