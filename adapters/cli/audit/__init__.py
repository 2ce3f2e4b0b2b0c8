"""`huissier audit`: the commands to look at what was decided, and to prove it."""

import typer

from huissier.adapters.cli.audit.archive import export, import_
from huissier.adapters.cli.audit.as_of import as_of
from huissier.adapters.cli.audit.evidence import checkpoint, key, prove, witness
from huissier.adapters.cli.audit.explain import explain
from huissier.adapters.cli.audit.replay import replay
from huissier.adapters.cli.audit.report import report
from huissier.adapters.cli.audit.trail import trail
from huissier.adapters.cli.audit.verify import verify
from huissier.adapters.cli.audit.what_if import what_if

audit = typer.Typer(help="What the log says, and the proof that nothing in it was changed.", no_args_is_help=True)
for command in (trail, explain, replay, as_of, what_if, key, checkpoint, prove, verify, witness, export, report):
    audit.command()(command)
audit.command("import")(import_)
