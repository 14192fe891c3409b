"""`madang cover`: ranks a listing's photos and says whether another should be its cover."""

import json
from pathlib import Path

import click

from madang.commands.options import guarded

_MEDIA = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "GIF": "image/gif"}


@click.command()
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--model", help="Vision model of the settings that says what a photo shows; a small network by default.")
@click.option("--json", "as_json", is_flag=True, help="Machine-readable.")
@guarded
def cover(photos: tuple[Path, ...], model: str | None, as_json: bool) -> None:
    """Rank the PHOTOS of one listing, its cover first, and propose a change where another is clearly better."""
    from madang.errors import InputError
    from madang.photos.contents import contents_of, is_installed
    from madang.photos.cover import Seen, propose
    from madang.photos.quality import open_photo, quality_of

    contents = []
    for path in photos:
        try:
            contents.append(path.read_bytes())
        except OSError as error:
            raise InputError(path, f"it cannot be read ({error.strerror})", "Correct the path") from error
    opened = [open_photo(content, str(path)) for content, path in zip(contents, photos, strict=True)]
    shown: list[tuple[str | None, float]] = [(None, 0.0)] * len(opened)
    if model is not None:
        from io import BytesIO

        from PIL import Image

        from madang.models.catalogue import Catalogue
        from madang.photos.vision import contents_by_model
        from madang.settings import Settings

        kinds = [_MEDIA.get(Image.open(BytesIO(content)).format or "", "image/jpeg") for content in contents]
        shown = [*contents_by_model(list(zip(contents, kinds, strict=True)), Catalogue(Settings.load()), model)]
    elif is_installed():
        shown = [*contents_of(opened)]
    else:
        click.echo("what the photos show is not known: pip install 'madang[photos]', or give --model", err=True)
    proposal = propose([
        Seen(str(path), quality_of(photo), kind, sure)
        for path, photo, (kind, sure) in zip(photos, opened, shown, strict=True)
    ])  # fmt: skip
    if as_json:
        click.echo(json.dumps(proposal.to_json(), ensure_ascii=False))
        return
    for seen in proposal.ranking:
        click.echo(f"{seen.score:.2f}  {seen.kind or '?':12} {seen.name}")
    click.echo(f"propose {proposal.best}: {proposal.reason}" if proposal.is_change else f"keep: {proposal.reason}")
