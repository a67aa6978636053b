"""`isthmus data`: what a data set holds, and stores of decoded images."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from isthmus.cli.app import PATH, AsJson, Offline, Quiet, SkipBroken, say, tell, with_flags

_READ = "read"


class _ByKind(TyperGroup):
    """A group in which every other word is the name of a data set: `isthmus data cifar10` is `data read cifar10`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in self.commands:
            args = [_READ, *args]
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_ByKind,
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    help="Say what a data set holds, or keep its decoded images.\n\n"
    "`isthmus data KIND [OPTION=VALUE]...` reads a data set: `isthmus data folder path=PHOTOS`.",
    context_settings={"help_option_names": ["-h", "--help"]},
)

Kind = Annotated[str, typer.Argument(help="A data set, which `isthmus list datasets` names, or a path.")]
Options = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[OPTION=VALUE]...", help="Its options, such as path=FOLDER; `isthmus list datasets` names them."
    ),
]


@app.callback()
def _root(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help())
        raise typer.Exit(2)


@app.command(_READ)
def read(
    kind: Kind,
    changes: Options = None,
    download: Annotated[bool, typer.Option("--download", help="Fetch it if it is not on this machine yet.")] = False,
    sheet: Annotated[
        Path | None, typer.Option("--sheet", help="Save a PNG of the first training images.", **PATH)
    ] = None,
    as_json: AsJson = False,
    offline: Offline = False,
    skip_broken: SkipBroken = False,
) -> None:
    """Read a data set and say what is in it (`read` may be left out).

    `isthmus data cifar10 --download` fetches CIFAR-10.
    """
    from isthmus.cli import data_facts

    kind, paths = _source([kind])
    options = paths | _options(changes, offline, skip_broken, download)
    data_facts.print_data(kind, options, sheet=sheet, as_json=as_json)


@app.command()
def prepare(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE... [OPTION=VALUE]...", help="A data set, or paths; and options.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder to make.", **PATH)],
    offline: Offline = False,
    skip_broken: SkipBroken = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Decode a data set into a folder, from which any machine trains at once.

    `isthmus data prepare PHOTOS size=128 -o photos-128`, then `isthmus train vae data.kind=store data.path=photos-128`.
    """
    from isthmus.core import registry
    from isthmus.core.errors import InputError
    from isthmus.data.reading_progress import quiet as silent
    from isthmus.data.store.prepare import prepare as make

    named = [word for word in sources if "=" not in word]
    if not named:
        raise InputError("SOURCE: none is given; name a data set, a folder or files before the options")
    kind, paths = _source(named)
    options = paths | _options([word for word in sources if "=" in word], offline, skip_broken, False)
    with silent(quiet):
        dataset = make(kind, registry.build("datasets", kind, options), out)
    notices = [*(change.sentence for change in dataset.handling), *dataset.notices]
    for sentence in notices:
        say(sentence)
    if as_json:
        print(json.dumps({"folder": str(out), "notices": notices}, indent=1))
    else:
        tell(out)


@app.command()
def info(
    store: Annotated[Path, typer.Argument(help="A folder made by `isthmus data prepare`.", **PATH)],
    check: Annotated[bool, typer.Option("--check", help="Compare all pixels with their hashes.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say what is in a store of decoded images."""
    from isthmus.core.errors import RunError
    from isthmus.data.store.opening import damaged_images, open_store, read_header

    header = read_header(store)
    open_store(store)
    if as_json:
        print(header.model_dump_json(indent=1))
    else:
        for name, value in _facts(header.model_dump(), store).items():
            tell(f"{name:12}  {value}")
    if check and (problems := damaged_images(store)):
        raise RunError(f"{' '.join(problems)} Make the store again with `isthmus data prepare`.")


@app.command()
def clean(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
) -> None:
    """Delete the decoded images and fitted baselines in the cache; they are made again when they are needed."""
    from isthmus.core.paths import cache_folder
    from isthmus.core.wording import size
    from isthmus.data.store.cache import fitted, remove, stores

    freed = 0
    for kept in (*stores(cache_folder()), *fitted(cache_folder())):
        done = dry_run or remove(kept)
        freed += kept.bytes if done else 0
        tell(f"{size(kept.bytes):>9}  {kept.source}{'' if done else ' (in use, kept)'}")
    tell(f"{size(freed)} {'would be freed' if dry_run else 'freed'} in {cache_folder()}.")


def _source(named: list[str]) -> tuple[str, dict[str, Any]]:
    """A data set that is named, or the one that reads these paths, and its option `path`."""
    from isthmus.api.asked import options_of_path
    from isthmus.core import registry
    from isthmus.core.errors import InputError

    if len(named) == 1 and named[0] in registry.kinds("datasets"):
        return named[0], {}
    if joined := [word for word in named if word in registry.kinds("datasets") and not Path(word).exists()]:
        raise InputError(f"SOURCE: {joined[0]} is a whole data set and cannot be joined; prepare it alone")
    found = [options_of_path(word) for word in named]
    kinds = sorted({one["data.kind"] for one in found})
    if len(kinds) > 1:
        raise InputError(f"SOURCE: {' and '.join(kinds)} cannot be joined; prepare them one at a time")
    if len(found) == 1:
        return kinds[0], {"path": found[0]["data.path"]}
    if registry.options(registry.find("datasets", kinds[0]))["path"].annotation is str:
        raise InputError(
            f"SOURCE: {len(found)} paths for the data set {kinds[0]!r}, which takes one; prepare them one at a time"
        )
    return kinds[0], {"path": [one["data.path"] for one in found]}


def _options(changes: list[str] | None, offline: bool, skip_broken: bool, download: bool) -> dict[str, Any]:
    from isthmus.recipes.recipe import parse_overrides

    options = {key.removeprefix("data."): value for key, value in parse_overrides(changes or []).items()}
    flags = with_flags({}, offline, skip_broken, download=download)
    return options | {key.removeprefix("data."): value for key, value in flags.items()}


def _facts(header: dict[str, Any], store: Path) -> dict[str, str]:
    from isthmus.core.wording import counted, size

    channels, height, width = header["shape"]
    images = ", ".join(f"{count:,} {split}" for split, count in header["images"].items())
    return {
        "source": header["source"],
        "kind": header["kind"],
        "images": images,
        "shape": f"{counted(channels, 'channel')}, height {height}, width {width}, {header['depth']} bits",
        "range": json.dumps(header["range"]) if header["range"] else "as the files have it",
        "classes": ", ".join(header["class_names"]) or "none",
        "size": size(sum(file.stat().st_size for file in store.iterdir())),
        "made by": f"isthmus {header['isthmus']}",
    }
