"""``pseudoexp cards``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help="The detector cards.")


@app.command("list")
def list_cards() -> None:
    """List the cards that come with the package."""
    from pseudoexp.config import list_cards as names

    typer.echo("\n".join(names()))


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="A card's name or the path of a TOML file.")]) -> None:
    """Show a card with everything that it takes from its base."""
    from pseudoexp.config import load_card, to_mapping

    for key, value in flat(to_mapping(load_card(name))):
        typer.echo(f"{key} = {value!r}")


def flat(mapping: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return the leaves of nested tables with dotted keys."""
    leaves: list[tuple[str, Any]] = []
    for key, value in mapping.items():
        leaves += flat(value, f"{prefix}{key}.") if isinstance(value, dict) else [(prefix + key, value)]
    return leaves
