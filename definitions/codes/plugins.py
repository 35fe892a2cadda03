"""Step types that installed packages bring."""

from definitions.codes.entry import Code

CODES = (
    Code(
        "plugin-clash",
        "a package's step type takes a name or a key that is not free",
        "Two packages bring a step type of the same name, or a package gives its type a name of Perdure's own (also "
        "one that is planned), or a key that every step has, such as `env` or `timeout`. Nothing is chosen silently: "
        "uninstall one of the packages, or have its type renamed. `docs/plugins.md` says what is free.",
    ),
    Code(
        "plugin-failed",
        "a package's step type cannot be loaded",
        "The entry point `perdure.steps` of a package names something that cannot be imported, that is no `StepType`, "
        "or a model that raises what is no finding. The message has the package's own error. The definition may be "
        "right: mend or reinstall the package, where the command runs and where the worker does.",
    ),
)
