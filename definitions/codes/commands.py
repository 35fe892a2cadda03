"""What the command line cannot do, said with exit code and way out."""

from definitions.codes.entry import Code, Example

CODES = (
    Code(
        "usage",
        "the command was written in a way that it does not understand",
        "`perdure COMMAND --help` shows how it is called.",
    ),
    Code("unknown-command", "no command of that name", "`perdure --help` lists them all."),
    Code(
        "planned",
        "the command is decided and not there yet",
        "`CHANGELOG.md` says what is there, and in which version it came.",
    ),
    Code("unknown-code", "no code of that name", "`perdure explain` without a code lists them all."),
    Code(
        "not-valid",
        "the definition, or the values given to it, have errors",
        "The findings stand above it, each with its own code. Nothing was started; the exit code is 7.",
    ),
    Code(
        "no-test-file",
        "there is no test file to play",
        "`perdure test` plays files `NAME.test.yaml`; `perdure test --init DEFINITION` writes a first one beside a "
        "definition.",
    ),
    Code("unreadable", "a file cannot be read", "The message has the system's reason."),
    Code("unwritable", "a file cannot be written", "The message has the system's reason."),
    Code("no-such-folder", "a folder is not there", "`--workspace` and the folder to apply changes to must exist."),
    Code(
        "no-server",
        "no Temporal server answers",
        "Without TEMPORAL_ADDRESS and `--profile`, Perdure starts a server of its own and needs its program, which "
        "`perdure doctor` looks for. With one of them, that server must answer.",
        Example(right="perdure doctor", language="sh"),
    ),
    Code(
        "profile-unreadable",
        "the file with the connections cannot be read",
        "`--profile` names a section of Temporal's own configuration file (TEMPORAL_CONFIG_FILE, else `temporal.toml` "
        "in the user's configuration folder).",
    ),
    Code(
        "no-store",
        "no store is named for this server",
        "With a server of your own, the command and the workers must use the same store: set `PERDURE_STORE` to a "
        "directory or to `s3://bucket/prefix`.",
    ),
    Code(
        "unknown-run",
        "the server knows no run of that id",
        "`perdure list` shows the runs; another `--profile` has others.",
    ),
    Code(
        "no-worker",
        "the run did not answer",
        "A run answers through a worker. Start one on its task queue with `perdure worker`, or `perdure dev` for the "
        "embedded server.",
    ),
    Code(
        "no-workspace",
        "the run has no files",
        "Its definition says `workspace: {from: none}`, or it was started without.",
    ),
    Code(
        "taken-id",
        "a run, or a definition, of that id exists already",
        "Ids of runs are unique: leave `--id` out and one is made. Ids of definitions are unique in their folder: "
        "`perdure definitions update` replaces one.",
    ),
    Code(
        "definition-in-use",
        "runs use the definition, or others refer to it",
        "Runs that have begun keep what they need, so nothing breaks; but who looks at them would not find what they "
        "run. `--force` deletes a definition that runs use.",
    ),
    Code(
        "bad-bundle",
        "a bundle is not whole, or not safe",
        "A bundle is taken only where its content has the digest that it names, every path stays in the folder, and "
        "all its definitions are there and have no errors. Nothing was written.",
    ),
    Code(
        "in-the-way",
        "files are there already, with other content",
        "`perdure import` writes over nothing unless `--force` is given, `perdure artifacts get` over nothing at all. "
        "Nothing was written.",
    ),
    Code("start-refused", "the server did not start the run", "The message is the server's own."),
    Code(
        "unfit",
        "this machine lacks something that is needed",
        "The message says what, and the line below it what to do.",
    ),
    Code(
        "bad-artifact",
        "a text that cannot be an artifact, a version or a tag",
        "Artifacts are named `NAME`, `NAME@VERSION` or `NAME@TAG`; versions are numbers from 1 on, tags are none, "
        "and `latest` is always the newest version.",
        Example(right="perdure artifacts get coverage-report@approved", language="sh"),
    ),
    Code(
        "unknown-tag",
        "the artifact has no such tag",
        "`perdure artifacts list NAME` shows its versions with their tags.",
    ),
    Code(
        "ambiguous-artifact",
        "several steps of the run kept an artifact of that name",
        "`--step` says whose is meant.",
    ),
    Code(
        "tagged",
        "a tag stands at the version that shall go",
        "Whoever fetches by that tag would find nothing. Move the tag first, or say `--force`, which removes it.",
    ),
    Code(
        "no-link",
        "there is no link to an artifact",
        "Links are made by stores on S3, for files that stand alone there. `perdure artifacts get` writes it to a "
        "file.",
    ),
    Code(
        "unknown-provider",
        "no provider of that name",
        "`--provider` is one of those that `type: agent` knows; `scripted` needs no key and no network.",
    ),
    Code(
        "no-cache-key",
        "the step was not looked up in the cache",
        "Only steps with `cache`, `cache_key` or `use_cache: true` have a key (or all, with `cache: {default: on}` in "
        "the definition), and only once they have begun.",
    ),
)
