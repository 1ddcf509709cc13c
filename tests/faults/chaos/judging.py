"""The judgement: what must be 0 and what must not, each with a word for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.faults.chaos.chronicle import Chronicle
from tests.faults.chaos.dumps import DUMPS, differences
from tests.faults.chaos.log import Count
from tests.faults.chaos.outcome import Outcome
from tests.faults.chaos.schedule import Measure
from tests.faults.chaos.sender import Account
from tests.faults.chaos.windows import WINDOWS


@dataclass(frozen=True)
class Verdicts:
    """missing: events of accepted records that are not in the log; odd: verdicts that no retry explains."""

    counted: Counter[str]
    missing: int
    odd: list[str]


def judge_accounts(chaos: Sequence[Account], undisturbed: Sequence[Account], in_log: set[str]) -> Verdicts:
    """Hold each record's verdicts against those of the undisturbed run, in which each was sent once."""
    counted = Counter(word for account in chaos for word in account.words)
    missing = sum(event_id not in in_log for account in chaos for event_id in account.event_ids)
    pairs = enumerate(zip(chaos, undisturbed, strict=True))
    odd = [f"record {at}: {account} instead of {once.words}" for at, (account, once) in pairs if _is_odd(account, once)]
    return Verdicts(counted, missing, odd)


def _is_odd(account: Account, once: Account) -> bool:
    """Accepted once, or never when an answer was lost on the way; every other verdict duplicate. Others: always so."""
    if once.words != ["accepted"]:
        return set(account.words) != set(once.words)
    accepted, duplicates = account.words.count("accepted"), account.words.count("duplicate")
    return accepted + duplicates != len(account.words) or not (accepted == 1 or (accepted == 0 and account.unanswered))


@dataclass(frozen=True)
class Judgement:
    """wrong: everything that is not as it must be, in words; empty: nothing was lost or doubled."""

    count: Count
    verdicts: Verdicts
    counters: Mapping[str, int]
    wrong: list[str]


def judge(
    count: Count, verdicts: Verdicts, counters: Mapping[str, int], outcomes: tuple[Outcome, Outcome], short: list[str]
) -> Judgement:
    """outcomes: undisturbed, then under chaos. short: what the run was to reach and did not."""
    undisturbed, chaos = outcomes
    zero = {
        "events lost": count.lost,
        "events doubled": count.doubled,
        "records out of order": count.out_of_order,
        "events of accepted records missing in the log": verdicts.missing,
        "odd verdicts": len(verdicts.odd),
        "old epochs dropped": counters.get("old_epochs_dropped", 0),
    }
    wrong = [f"{number} {what}" for what, number in zero.items() if number]
    wrong += verdicts.odd[:5]
    wrong += [f"undisturbed: {each}" for each in undisturbed.against_truth[:5]]
    wrong += [f"against the truth: {each}" for each in chaos.against_truth[:10]]
    wrong += [f"{what}: nothing was dumped, so nothing was compared" for what in DUMPS if not chaos.dumps.get(what)]
    wrong += differences(undisturbed.dumps, chaos.dumps)[:10]
    return Judgement(count, verdicts, counters, wrong + short)


def not_reached(chronicle: Chronicle, counters: Mapping[str, int], measure: Measure) -> list[str]:
    """What makes a run worth something and is missing."""
    told = [f"not done: {each}" for each in chronicle.failed]
    told += [
        f"only {chronicle.kills[window]} of {measure.kills} kills in {window}"
        for window in WINDOWS
        if chronicle.kills[window] < measure.kills
    ]
    worth = {"repeats_dropped": measure.kills, "batches_refused": measure.misled}
    return told + [f"no {name}: the run proves little" for name, due in worth.items() if due and not counters.get(name)]
