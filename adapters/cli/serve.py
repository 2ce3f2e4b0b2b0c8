"""`huissier serve`: a gateway that a mail server asks."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from huissier.adapters.cli.shared import DEFAULT_STORE, PolicyOption, StoreOption, errors_told, read_options, url_named
from huissier.domain.rule_set import values_in

if TYPE_CHECKING:
    from huissier.adapters.gateway.gateway import Gateway
    from huissier.adapters.gateway.serving.running import Front
    from huissier.adapters.gateway.settings import FrontName, Settings

serve = typer.Typer(help="Gateways, which a mail server asks whether a message may pass.", no_args_is_help=True)

ListenOption = Annotated[
    list[str] | None,
    typer.Option("--listen", help="inet:HOST:PORT or unix:PATH, instead of the file's; repeatable.", metavar="ADDRESS"),
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="A TOML file; docs/gateway.toml shows all settings.", metavar="FILE")
]
MetricsOption = Annotated[
    str | None, typer.Option("--metrics", help="Where to show metrics and health.", metavar="HOST:PORT")
]
NameOption = Annotated[
    str | None, typer.Option("--name", help="This gateway's name; default: the machine's.", metavar="NAME")
]


@serve.command()
def postfix(
    context: typer.Context,
    listen: ListenOption = None,
    config: ConfigOption = None,
    metrics: MetricsOption = None,
    name: NameOption = None,
    store: StoreOption = None,
    option: PolicyOption = None,
) -> None:
    """Answer Postfix's policy questions (check_policy_service) until SIGTERM; SIGHUP reads the --config file again.

    The store must exist already. The command line overrides the file. See docs/gateways.md for the lines in main.cf.
    Exit status 2 if the configuration cannot be read or an address cannot be listened on.
    """
    from huissier.adapters.gateway.postfix.front import PostfixFront

    _serve("postfix", PostfixFront, config, _said("postfix", context, listen, metrics, name, store, option))


@serve.command()
def milter(
    context: typer.Context,
    listen: ListenOption = None,
    config: ConfigOption = None,
    metrics: MetricsOption = None,
    name: NameOption = None,
    store: StoreOption = None,
    option: PolicyOption = None,
) -> None:
    """Filter mail for Postfix or Sendmail (smtpd_milters) until SIGTERM; SIGHUP reads the --config file again.

    The store must exist already. The command line overrides the file. See docs/gateways.md for the lines in main.cf.
    Exit status 2 if the configuration cannot be read or an address cannot be listened on.
    """
    from huissier.adapters.gateway.milter.front import MilterFront

    _serve("milter", MilterFront, config, _said("milter", context, listen, metrics, name, store, option))


def _serve(
    front: "FrontName", make_front: "Callable[[Gateway], Front]", config: Path | None, said: dict[str, Any]
) -> None:
    """Serve one protocol with the file's settings, which the command line overrides."""
    from huissier.adapters.deciding.engine import Engine
    from huissier.adapters.gateway.journal import log_to_stderr
    from huissier.adapters.gateway.serving.running import run
    from huissier.adapters.gateway.settings_file import read_settings

    def load() -> "Settings":
        return read_settings(config, said)

    with errors_told():
        settings = load()
        log_to_stderr()
        with Engine(settings.store or DEFAULT_STORE, options=settings.rules, create=False) as engine:
            engine.check_decides()
            run(engine, front, make_front, load, settings)


def _said(
    front: "FrontName",
    context: typer.Context,
    listen: list[str] | None,
    metrics: str | None,
    name: str | None,
    store: str | None,
    option: list[str] | None,
) -> dict[str, Any]:
    """Return what the command line says, in the shape of the file."""
    read_options(option or [])  # only checked: a wrong one ends the program
    said = {
        "store": url_named(context, store),
        "gateway": {"name": name},
        "rules": values_in(option or []),
        front: {"listen": listen, "metrics": metrics},
    }
    return {key: value for key, value in said.items() if value is not None}
