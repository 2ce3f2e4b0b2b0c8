"""huissier: who may write to whom in the MSSanté trust space, decided, explained and kept as facts."""

from typing import TYPE_CHECKING

from huissier.domain.answers import Answer, Invalid, Reason, Verdict, Verdicts
from huissier.domain.commands import (
    AdmitDomain,
    AnyCommand,
    CloseEns,
    CreateMailbox,
    DeleteMailbox,
    EraseUsager,
    OpenEns,
    PublishCgu,
    RegisterOperator,
    ReportDelivery,
    ResumeMailbox,
    SetListeRouge,
    SignCgu,
    SignInstrument,
    SubmitMessage,
    SuspendMailbox,
    WithdrawDomain,
)
