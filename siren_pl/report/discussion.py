"""A discussion of the numbers in generated sentences: the leader and its lead, where scores differ, what went wrong."""

from __future__ import annotations

from collections.abc import Iterator

from siren_pl.problems.sampled.metrics import PSNR_CAP
from siren_pl.report.estimates import CLEAR, estimate, gap
from siren_pl.report.measures import Column, baseline_names, baseline_scores, columns, headline, leader
from siren_pl.report.numbers import numeric, peaks
from siren_pl.report.settings import Comparison, Setting
from siren_pl.runs.costs import spikes


def verdict(comparison: Comparison) -> str:
    """Describe the comparison in a sentence or two: the leader and its lead, or why there is none."""
    column = headline(comparison)
    if column is None:
        return "No run finished with a score."
    if comparison.mixes_models:
        return "Learning rates were fixed, so models are not ranked."
    first = leader(comparison.ranked, column.key, column.measure.better)
    second = leader([row for row in comparison.ranked if row is not first], column.key, column.measure.better)
    if first is None or second is None:
        rows = [(row, mean) for row in comparison.settings if (mean := row.estimate(column.key))]
        said = "; ".join(f"{row.label} reaches {column.text(mean)}" for row, mean in rows)
        return f"In {column.measure.name}, {said}; there is nothing to rank."
    best = first.estimate(column.key)
    assert best is not None
    lead = _lead(first, second, column)
    return f"{first.label} has the {_most(column)} {column.measure.name}, {column.text(best)}{lead}"


def remarks(comparison: Comparison) -> list[str]:
    """Everything else worth saying, one sentence each."""
    column = headline(comparison)
    scored = [] if column is None else [*_ties(comparison, column), *_baselines(comparison, column)]
    return [
        *scored,
        *_switches(comparison),
        *_disagreements(comparison),
        *_peaks(comparison),
        *_tuning(comparison),
        *_failures(comparison),
    ]


def _most(column: Column) -> str:
    return "lowest" if column.measure.better < 0 else "highest"


def _lead(first: Setting, second: Setting, column: Column) -> str:
    lead = column.lead(first.scores(column.key), second.scores(column.key))
    if lead is None:
        return f"; {second.label} follows, on other replicates."
    if lead.error is None:
        return f", {column.text(lead)} {column.side} {second.label}; with one replicate, the standard error is unknown."
    surely = f"more than {CLEAR:g} standard errors" if lead.is_clear else f"within {CLEAR:g} standard errors: a tie"
    return f". Replicate by replicate it is {column.text(lead)} {column.side} {second.label}, {surely}."


def _ties(comparison: Comparison, column: Column) -> Iterator[str]:
    first = leader(comparison.ranked, column.key, column.measure.better)
    if first is None:
        return
    others = [row for row in comparison.ranked if row is not first]
    leads = [(row.label, column.lead(first.scores(column.key), row.scores(column.key))) for row in others]
    tied = [label for label, lead in leads if lead and lead.error is not None and not lead.is_clear]
    if len(tied) > 1:
        yield f"{len(tied)} settings are tied with {first.label}: {', '.join(tied)}."


def _baselines(comparison: Comparison, column: Column) -> Iterator[str]:
    for name in baseline_names(comparison.settings):
        pairs = [(row, baseline_scores(row, name, column.key)) for row in comparison.settings]
        leads = [(row, lead) for row, scores in pairs if (lead := column.lead(scores, row.scores(column.key)))]
        above = [(lead.mean, row.label, lead) for row, lead in leads if lead.mean > 0]
        title = name.replace("_", " ")
        if any(value >= PSNR_CAP for _, scores in pairs for value in scores.values()):
            yield f"On the same data, {title} is exact."
        elif above:
            _, label, lead = min(above, key=lambda entry: entry[:2])
            yield (
                f"On the same data, {title} is better than {len(above)} of {len(leads)} settings in "
                f"{column.measure.name}; the nearest of them, {label}, by {column.text(lead)}."
            )


def _switches(comparison: Comparison) -> Iterator[str]:
    shown = {column.key: column for column in columns(comparison)}
    column = next((shown[key] for key in ("train_psnr", "psnr_mean_aligned", "psnr") if key in shown), None)
    for key in comparison.keys if column else ():
        changes = [
            f"{off.label} {change.mean:+.2f}"
            for off, on in comparison.switched(key)
            if column and (change := gap(on.scores(column.key), off.scores(column.key)))
        ]
        if column and changes:
            yield f"Switching {key} on changes {column.heading} by: {', '.join(changes)}."


def _disagreements(comparison: Comparison) -> Iterator[str]:
    trained, unseen = (leader(comparison.ranked, name) for name in ("train_psnr", "heldout_psnr"))
    if trained is None or unseen is None or trained is unseen:
        return
    loss = gap(unseen.scores("heldout_psnr"), trained.scores("heldout_psnr"))
    cost = f", and is {loss.text('.2f')} dB below {unseen.label} on held-out ones" if loss else ""
    yield f"Training and held-out samples disagree: {trained.label} fits the training samples best{cost}."


def _peaks(comparison: Comparison) -> Iterator[str]:
    for key in comparison.keys:
        if not numeric(comparison.grid, key) or comparison.tune:
            continue
        groups = peaks(comparison, key)
        for (unseen, trained), lines in groups.items():
            whose = f" ({', '.join(lines)})" if len(groups) > 1 else ""
            if unseen == trained:
                yield f"Held-out and training PSNR peak together, at {key}={unseen}{whose}."
            else:
                yield (
                    f"Held-out PSNR peaks at {key}={unseen}{whose}, training PSNR at {trained}: between these values "
                    "the two move apart."
                )


def _tuning(comparison: Comparison) -> Iterator[str]:
    if comparison.tune is None:
        return
    most = max(row.tried for row in comparison.settings)
    short = [row.label for row in comparison.settings if row.tried < most]
    if short:
        yield f"Shown but not ranked, since fewer values of {comparison.tune} were tried: {', '.join(short)}."
    if numeric(comparison.grid, comparison.tune):
        tried = sorted({dict(row.values)[comparison.tune] for row in comparison.grid}, key=float)
        edge = [row.label for row in comparison.settings if row.chosen in (tried[0], tried[-1])]
        if edge:
            yield (
                f"The chosen {comparison.tune} lies at an end of the grid for {', '.join(edge)}: a better one may lie "
                "beyond."
            )


def _failures(comparison: Comparison) -> Iterator[str]:
    for row in comparison.settings:
        when = estimate(run.metrics["diverged_step"] for run in row.diverged if "diverged_step" in run.metrics)
        if row.diverged:
            step = f", at step {when.mean:.0f} on average" if when else ""
            yield f"{row.label} diverged in {len(row.diverged)} of {row.started} runs{step}."
    counts = {row.label: sum(spikes(run.history) for run in row.runs) for row in comparison.settings}
    spiky = [f"{label} ({count})" for label, count in counts.items() if count]
    if spiky:
        yield f"The training loss had spikes with {', '.join(spiky)}."
    fewer = [row.label for row in comparison.settings if row not in comparison.ranked]
    if fewer and comparison.ranked and not comparison.tune:
        yield f"Not ranked, with fewer finished runs than the others: {', '.join(fewer)}."
