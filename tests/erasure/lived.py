"""A usager's life with all that keeps or prints something of it, in one folder: each way an INS may come in."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from huissier import AnyCommand, CloseEns, CreateMailbox, OpenEns, ReportDelivery, SuspendMailbox
from huissier.adapters.testing import hospital as w
from tests.command_line import Done, huissier
from tests.erasure.spellings import spellings
from tests.ingest.logs import GATEWAY, delivery, submitted
from tests.ingest.reports import about, dsn

WHO = 777  # no other test has this person
HOLDS_INS = f"mail of {w.ins(WHO)}"
ENV = {"HUISSIER_VAULT_KEY": "A" * 43 + "="}


def commands() -> list[AnyCommand]:
    """Return a life: mail to and from, what cannot be read, and INS where they do not belong."""
    ins, address = w.ins(WHO), w.usager(WHO)
    told: list[AnyCommand] = [
        *w.world(),
        OpenEns(ins=f"{ins[:1]} {ins[1:3]} {ins[3:]}"),
        w.write(w.DOCTOR, address, id="m-1", message_id=f"<{ins}@mss>", subject=f"Dossier {ins}", size=1_000),
        w.received("m-1", address),
        w.write(address, w.DOCTOR, id=HOLDS_INS, in_reply_to=f"<{ins}@mss>", message_id=f"<re.{ins}@mss>"),
        w.write(address.upper(), w.SURGEON, id="m-2", reply_to=address),
        w.write(w.REMOTE_DOCTOR, f'"{ins}"@{w.PATIENTS}', w.SURGEON, id="m-3", certificate_cn=w.CABINET_CN),
        w.write(w.SURGEON, f"x.{ins}@{w.PATIENTS}", f"{ins[:13]}@{w.PATIENTS}", f"{ins}@{w.HOSPITAL}", id="m-4"),
        w.reach(w.SURGEON, address, w.USAGER, subject="[FIN]"),
        ReportDelivery(id="m-1", recipient=address, status="undelivered", cause=f"550 {ins} unknown"),
        ReportDelivery(id=f"never {ins}", recipient=address, status="delivered"),
        SuspendMailbox(address=w.SURGEON, motive=f"patient {' '.join(ins)}"),
        CreateMailbox(address=f"accueil@{w.HOSPITAL}", kind="ORG", name=f"Accueil {ins}", service=ins[:13]),
        CloseEns(ins=ins),
        submitted([address], w.DOCTOR),
    ]
    return [*told, *(w.write(w.DOCTOR, f"{one}@{w.PATIENTS}", id=f"as {one}") for one in spellings(ins))]


def lines() -> Iterator[str]:
    """Yield it as a gateway would tell it, with what cannot be read."""
    ins = w.ins(WHO)
    for command in commands():
        yield msgspec.json.encode(command).decode()
    unreadable: list[dict[str, object]] = [
        {"type": "register-operator", "operator": ins, "kind": "professionnel"},
        {"type": "register-operator", "operator": "o", "kind": "professionnel", "name": f"Opérateur de {ins}"},
        {"type": "create-mailbox", "address": f"{ins}@{w.HOSPITAL}", "kind": "PER"},
        {"type": "admit-domain", "domain": f"{ins}.mssante.fr"},
        {"type": "open-ens", "ins": f"{ins[:14]}x"},
        {"type": "submit-message", "id": f"no recipients {ins}", "sender": ins},
        {"type": ins},
    ]
    for fields in unreadable:
        yield msgspec.json.encode(fields).decode()
    yield f"no JSON {ins}"


class House:
    """A store, and a folder in which everything else is that its owner makes of it."""

    def __init__(self, folder: Path, url: str, outside: Path) -> None:
        """`outside` is where the mail system keeps its own files, which hold what they hold."""
        self.folder, self.url, self._outside = folder, url, outside
        folder.mkdir(exist_ok=True)
        outside.mkdir(exist_ok=True)

    def run(self, *arguments: str, stdin: str = "", statuses: Iterable[int] = (0,)) -> Done:
        """Run the program in the folder; what it prints is kept there too, but answers, which repeat who asked."""
        env = {**ENV, "HUISSIER_STORE": self.url, "HUISSIER_SIGNING_KEY": "log.key"}
        done = huissier(*arguments, cwd=self.folder, stdin=stdin, env=env)
        assert done.returncode in statuses, done.stderr
        if arguments[0] != "apply":
            number = len(list(self.folder.glob("printed-*")))
            (self.folder / f"printed-{number:03}.txt").write_text(done.stdout + done.stderr)
        return done

    def live(self) -> None:
        """Live through it, and make everything of it that can be made."""
        self.run("apply", "-", stdin="".join(f"{line}\n" for line in lines()), statuses=(2,))
        self._ingest()
        self.look()

    def _ingest(self) -> None:
        address = w.usager(WHO)
        log = self._outside / "mail.log"
        log.write_text(delivery(address) + delivery(w.usager(3), queue="nothing-known", said=f"250 {w.ins(WHO)} Ok"))
        self.run("ingest", "postfix-log", str(log), "--gateway", GATEWAY, "--state", "place", statuses=(0, 1))
        report = self._outside / "report.eml"
        report.write_text(dsn(about(address), envelope="m-1") + f"To: {address}\n")
        self.run("ingest", "dsn", str(report), "--gateway", GATEWAY, statuses=(0, 1))

    def look_again(self) -> None:
        """Ask again without their INS, and have everything brought up to the erasure."""
        for arguments in (["audit", "trail"], ["audit", "export", "--to", "archive"], ["store", "check"]):
            self.run(*arguments)
        self.run("audit", "import", "--from", "archive", "--store", "sqlite:///copy.db")
        self.run("projections", "rebuild")

    def look(self) -> None:
        """Ask for everything that prints or writes something."""
        ins = w.ins(WHO)
        for arguments in (["trail"], ["trail", "--json"], ["trail", "--csv"], ["explain", "m-1"]):
            self.run("audit", *arguments)
        self.run("audit", "trail", "--usager", "-", stdin=ins)
        self.run("audit", "explain", "-", stdin=HOLDS_INS)
        self.run("audit", "report", "--out", "report.html", "--usager", "-", stdin=ins)
        self.run("directory", "search", "accueil", statuses=(0, 1))
        self.run("directory", "export")
        self.run("obligations", statuses=(0, 1))
        self.run("stats", "summary", "--html", "summary.html")
        self.run("stats", "exchanges", "--month", "2026-10")
        self.run("projections", "rebuild", "trail")
        self.run("store", "check")
