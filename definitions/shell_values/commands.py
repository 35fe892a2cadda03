"""Tables of commands: which of them run their arguments as code, start another command, or set variables."""

import re
from dataclasses import dataclass


def names(text: str) -> frozenset[str]:
    """Return the words of `text`."""
    return frozenset(text.split())


SPECIAL = names(
    "PATH IFS ENV BASH_ENV PS0 PS1 PS2 PS3 PS4 PROMPT_COMMAND SHELLOPTS BASHOPTS LD_PRELOAD LD_LIBRARY_PATH "
    "LD_AUDIT CDPATH GLOBIGNORE RANDOM SRANDOM SECONDS LINENO HISTCMD OPTIND EPOCHSECONDS EPOCHREALTIME BASHPID "
    "DIRSTACK PIPESTATUS GROUPS FUNCNAME BASH_REMATCH BASH_ARGV BASH_ARGC BASH_SOURCE BASH_LINENO "
    "BASH_VERSINFO COMP_WORDS COMPREPLY COPROC MAPFILE BASH_ARGV0 BASH_CMDS BASH_ALIASES BASH_XTRACEFD BASH_COMPAT "
    "HISTFILE MAIL MAILPATH MAILCHECK TMOUT "
    "POSIXLY_CORRECT EXECIGNORE FUNCNEST"
)

HARMLESS_BUILTINS = names("echo true false : cd pwd exit return kill shift umask pushd ulimit")
EVALUATING = names(
    # the shell's own
    "eval let trap alias unalias read mapfile readarray unset getopts wait bind complete compgen compopt enable fc "
    "history shopt hash type jobs bg fg disown suspend times logout dirs popd caller help break continue source . "
    # programs that hand their arguments, joined, to a shell, or read them as code
    "ssh rsh mosh parallel watch su runuser script at batch entr make gmake dc ed vim vi ex gdb tclsh expect"
)
IN_THE_SHELL = names(
    "echo printf test [ true false : cd pwd exit return kill shift umask set local declare typeset readonly"
)
"""Commands of every shell's own that start no program, so the kernel does not bound their arguments."""
INPUT_IS_CODE = names("ssh parallel su tclsh dc ed ex")
DECLARING = names("export readonly local declare typeset")
SCALAR_DECLARING = names("export readonly")
"""Those that assign to an array's first item; the others read a value for an array as its items, and evaluate it."""
MAY_MAKE_ARRAYS = names("read mapfile readarray source . eval")
SHELLS = names("sh bash dash zsh ksh mksh ash fish csh tcsh rbash")


@dataclass(frozen=True, slots=True)
class Interpreter:
    """A program that runs code given as an argument, or a file that an argument names."""

    code: str
    """Letters of the options that take code."""
    long: tuple[str, ...] = ()
    """Long options that take code."""
    with_argument: tuple[str, ...] = ()
    """Other options whose argument is the next word."""
    code_is_operand: bool = False
    """Whether the code is the first word that is no option, wherever its option stands."""
    reads_options_later: bool = False
    """Whether words after the code can still be options, and so hold more code."""
    never: str = ""
    """Letters of options with which even plain arguments are evaluated."""


INTERPRETERS: dict[str, Interpreter] = {
    **dict.fromkeys(
        SHELLS,
        Interpreter(
            "c",
            ("--command",),
            ("-o", "+o", "-O", "+O", "--rcfile", "--init-file"),
            code_is_operand=True,
        ),
    ),
    "python": Interpreter("cm", (), ("-W", "-X")),
    "perl": Interpreter("eE", (), ("-I",), reads_options_later=True, never="np"),
    "ruby": Interpreter("e", (), ("-I", "-r", "-C", "-E"), reads_options_later=True, never="np"),
    "node": Interpreter(
        "ep", ("--eval", "--print"), ("-r", "--require", "--import", "--loader", "-C"), reads_options_later=True
    ),
    "deno": Interpreter("", (), ()),
    "php": Interpreter("rBRE", ("--run",), ("-d", "-c", "-z"), reads_options_later=True),
    "lua": Interpreter("e", (), ("-l",), reads_options_later=True),
    "awk": Interpreter("e", ("--source",), ("-v", "-F", "-f")),
    "sed": Interpreter("e", ("--expression",), ("-l",), reads_options_later=True),
    "osascript": Interpreter("e", (), ("-l",), reads_options_later=True),
    "pwsh": Interpreter("c", ("-Command",), ()),
    "Rscript": Interpreter("e", (), ()),
    "julia": Interpreter("eE", ("--eval",), (), reads_options_later=True),
}
ALIASES = {"python2": "python", "python3": "python", "pypy": "python", "pypy3": "python", "gawk": "awk", "mawk": "awk",
            "nawk": "awk", "nodejs": "node", "bun": "node", "luajit": "lua", "powershell": "pwsh",
            "gsed": "sed"}  # fmt: skip

WRAPPERS: dict[str, tuple[frozenset[str], int]] = {
    # name: options whose argument is the next word; how many words stand before the command that is started
    "command": (frozenset(), 0),
    "builtin": (frozenset(), 0),
    "busybox": (frozenset(), 0),
    "exec": (frozenset({"-a"}), 0),
    "env": (frozenset({"-u", "-C", "--unset", "--chdir"}), 0),
    "sudo": (names("-u -g -h -p -C -r -t -U -D -R -T"), 0),
    "doas": (frozenset({"-u", "-C"}), 0),
    "nice": (frozenset({"-n"}), 0),
    "ionice": (frozenset({"-c", "-n", "-p"}), 0),
    "nohup": (frozenset(), 0),
    "setsid": (frozenset(), 0),
    "time": (frozenset({"-o", "-f"}), 0),
    "timeout": (frozenset({"-k", "-s", "--kill-after", "--signal"}), 1),
    "stdbuf": (frozenset({"-i", "-o", "-e"}), 0),
    "chroot": (frozenset(), 1),
    "taskset": (frozenset(), 1),
    "flock": (frozenset({"-w", "-E"}), 1),
    "unshare": (frozenset(), 0),
    "strace": (frozenset({"-e", "-o", "-p", "-s"}), 0),
    "xargs": (names("-I -n -P -L -d -a -s -E"), 0),
    "uv": (frozenset({"--with", "--python", "-p", "--project", "--directory"}), 1),
    "poetry": (frozenset(), 1),
}
ARITHMETIC_TESTS = frozenset({"-eq", "-ne", "-lt", "-le", "-gt", "-ge"})
NAME_TESTS = frozenset({"-v", "-R"})
CODE_AFTER = {
    "git": frozenset({"-c", "--exec", "-x", "foreach", "filter-branch", "run", "--upload-pack", "--receive-pack"}),
    "docker": frozenset[str](),
}
STARTS_COMMAND = {"find": frozenset({"-exec", "-execdir", "-ok", "-okdir"})}


def interpreter_called(name: str) -> Interpreter | None:
    """Return the interpreter that a command is, also under a name with a version (`python3.12`)."""
    plain = ALIASES.get(name, name)
    return INTERPRETERS.get(plain) or INTERPRETERS.get(re.sub(r"[0-9.]+$", "", plain))
