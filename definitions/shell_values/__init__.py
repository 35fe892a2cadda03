"""Shell values: each `{{ expression }}` in a script becomes an environment variable, never text of the script.

    script      compile_script, check_script: what the rest of Perdure calls
    binding     bind, bound_text, by_file: the values, and which of them travel by file
    sources     how a script of each interpreter reads a variable or a file

    words       quotes and expansions of the shell: in which quoting a placeholder stands
    grammar     commands, loops, here-documents: in which place of a command it stands
    policy      commands that run their arguments as code, and the places where that happens
    program     scripts for Python (python_code) and Node (node_code): where an expression can stand
    refusals    why a place is not safe, and what to write instead

    command_words   which commands a script holds, for lint rules

A value is one argument, whatever it contains. What cannot be read for certain is refused: the reader of a script
never guesses. Two things remain the author's: a value that begins with `-` is an option to most programs (write
`--` before it), and what the author's own code later does with a variable (`eval "$x"`).
"""

from definitions.shell_values.binding import bind, bound_text, by_file
from definitions.shell_values.command_words import CommandWord, SimpleCommand, command_words
from definitions.shell_values.refusals import ShellValueError
from definitions.shell_values.script import Script, check_script, compile_script
from definitions.shell_values.sources import FOLDER_VARIABLE, Interpreter

__all__ = [
    "FOLDER_VARIABLE",
    "CommandWord",
    "Interpreter",
    "Script",
    "ShellValueError",
    "SimpleCommand",
    "bind",
    "bound_text",
    "by_file",
    "check_script",
    "command_words",
    "compile_script",
]
