"""`hwgen completion`: let a shell complete commands, options and names.

Print the script by which bash, zsh or fish complete a word at the Tab key: commands, options, the
fields of a Design, presets, boards, units and files. Nothing is started while somebody types, so a
new version of hwgen wants its script written again.

Examples:
  mkdir -p ~/.local/share/bash-completion/completions
  hwgen completion bash > ~/.local/share/bash-completion/completions/hwgen
                                                bash, with its package bash-completion
  hwgen completion bash > ~/.hwgen.bash         bash without; `source ~/.hwgen.bash` in ~/.bashrc
  mkdir -p ~/.zfunc
  hwgen completion zsh > ~/.zfunc/_hwgen        zsh; in ~/.zshrc, before `compinit`:
                                                `fpath+=(~/.zfunc)`
  hwgen completion fish > ~/.config/fish/completions/hwgen.fish
"""

import argparse
from typing import Any

from ..arch.boards import BOARDS, presets
from ..arch.design_checks import DATAFLOWS, ENGINES, FAMILIES
from ..arch.steps import ROUNDINGS
from ..text import say
from .design import FIELDS, option_of
from .output import show

__all__ = ["add_options", "run"]

SHELLS = "bash", "zsh", "fish"
VALUES = {"engine": ENGINES, "dataflow": DATAFLOWS, "family": FAMILIES, "rounding": ROUNDINGS}
"""What a field of a Design may be, where that is a word."""

PATTERNS = {"input": ("*.npy", "*.npz"), "data": ("*.npy", "*.npz"),
            "calibration": ("*.npy", "*.npz"), "labels": ("*.npz",), "list": ("*.toml",),
            "waves": ("*.vcd",)}
"""The names of files that an option takes."""

WORDS_OF_BASH = """

# bash ends a word at a colon, which names of presets have, and at the = of --option=value.
_hwgen() {
  local word at=0 index open= prefix
  local -a words=()
  for (( index = 0; index < ${#COMP_WORDS[@]}; index++ )); do
    word=${COMP_WORDS[index]}
    if [[ $word == = ]]; then
      (( index == COMP_CWORD )) && words+=("")
    elif [[ ( $word == :* || $open ) && ${#words[@]} -gt 0 ]]; then
      words[${#words[@]} - 1]+=$word
    else
      words+=("$word")
    fi
    [[ $word == *: ]] && open=1 || open=
    (( index == COMP_CWORD )) && at=$(( ${#words[@]} - 1 ))
  done
  local -a COMP_WORDS=("${words[@]}")
  local COMP_CWORD=$at
  _shtab_hwgen
  prefix=${words[at]%"${words[at]##*:}"}
  COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
}

complete -o bashdefault -F _hwgen hwgen
"""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add what the command takes."""
    command.add_argument("shell", metavar="SHELL", choices=SHELLS, help="bash, zsh or fish")


def run(options: argparse.Namespace) -> int:
    """Print the script of a shell."""
    import shtab

    from .command_line import parser

    say("collecting options")
    top = parser()
    for name, command in next(each.choices for each in top._actions
                              if isinstance(each, argparse._SubParsersAction)).items():
        if name in ("generate", "sim"):
            add_parameters(command)
        for action in command._actions:
            describe(name, action)
    script = shtab.complete(top, options.shell) + WORDS_OF_BASH * (options.shell == "bash")
    return show(options, {"shell": options.shell, "script": script}, script.rstrip())


def add_parameters(command: argparse.ArgumentParser) -> None:
    """Add the parameters of the units that no Design has: options once a unit is given."""
    from ..generate.units import UNITS, Flag, OneOf

    added = {*FIELDS, *(each.dest for each in command._actions)}
    for name, kind in UNITS.items():
        for each, parameter in kind.parameters.items():
            if each in added:
                continue
            added.add(each)
            about = f"of unit {name}: {parameter.about}".replace("%", "%%")
            if isinstance(parameter, Flag):
                command.add_argument(option_of(each), action="store_true", help=about)
            else:
                command.add_argument(option_of(each), help=about, choices=parameter.choices
                                     if isinstance(parameter, OneOf) else None)


def describe(command: str, action: argparse.Action) -> None:
    """Say of an option, or of a word that a command takes, how it is completed."""
    import shtab

    from ..generate.unit import OF_DESIGNS
    from ..generate.units import UNITS

    name = action.dest
    if name in FIELDS and action.help == argparse.SUPPRESS:
        action.help = FIELDS[name][1].replace("%", "%%")
        action.choices = VALUES.get(name)
    elif name == "design":
        vars(action)["complete"] = preset_or_file()
    elif (command, name) == ("boards", "name") or name == "board" and not action.choices:
        action.choices = [*BOARDS]
    elif name == "unit":
        action.choices = [*UNITS, *OF_DESIGNS]
    elif name == "model":
        tables = ["*.csv"] * (command in ("tune", "report"))
        vars(action)["complete"] = shtab.glob("*.tflite", "*.onnx", *tables)
    elif name in PATTERNS:
        vars(action)["complete"] = shtab.glob(*PATTERNS[name])
    elif action.metavar in ("DIR", "FILE"):
        vars(action)["complete"] = shtab.DIR if action.metavar == "DIR" else shtab.FILE


def preset_or_file() -> dict[str, Any]:
    """Return how each shell completes a preset, or a file with a Design."""
    import shtab

    names, files = " ".join(presets()), shtab.glob("*.toml")
    before: Any = files["preamble"]
    function = "_hwgen_design_file"  # by `_file` in its name the script knows how to quote
    return {
        "bash": function, "zsh": function, "fish": f"({function})", "preamble": {
            "bash": f"{before['bash']}\n{function}() {{\n"
                    f"  compgen -W '{names}' -- \"$1\"\n  {files['bash']} \"$1\"\n}}\n",
            "zsh": f"{function}() {{\n  compadd -- {names}\n  _files -g '*.toml'\n}}\n",
            "fish": f"{before['fish']}\nfunction {function}\n"
                    f"  printf '%s\\n' {names}\n  {str(files['fish'])[1:-1]}\nend\n"}}
