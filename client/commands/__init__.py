"""The commands, one module a concept; `client.cli` loads each when it is called."""
