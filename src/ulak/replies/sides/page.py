"""The page of one code, cause or reply, and the part of a comparison that tells of it."""

from __future__ import annotations

from ulak.replies import texts
from ulak.replies.document import Block, Document, Facts, Heading, Items, Links, Paragraph
from ulak.replies.sides import saying
from ulak.replies.sides.saying import stage_list
from ulak.replies.sides.side import Side

_FEW = 4
_KNOWN_TO_ALL = ("core", "extension", "registered", "")


def page_of(half: Side, lang: str = texts.DEFAULT) -> Document:
    """Give the page of one code, cause or reply."""
    language = texts.language(lang)
    labels = texts.page("labels", language)
    blocks: list[Block] = [Heading(f"{half.key}: {half.title}", 1), _facts(half, language)]
    if half.standing not in _KNOWN_TO_ALL:
        told = texts.page("standing_means", language)[half.standing]
        blocks += [Heading(labels["origin"], 2)]
        blocks.append(Paragraph(" ".join(filter(None, (half.origin, told)))))
    if half.standing == "unregistered":
        blocks.append(Items(providers_of(half)))
    blocks += told_of(half, language, 2)
    blocks += [Heading(labels["queue"], 2), Paragraph(half.queue)]
    if half.acts or half.kind != "code":
        blocks += [Heading(labels["turn"], 2), Paragraph(saying.acts(half, language))]
    if half.matters:
        blocks += [Heading(labels["matters"], 2), Paragraph(half.matters)]
    if half.providers and half.standing != "unregistered":
        blocks += [Heading(labels["providers"], 2), Paragraph(labels["providers_why"])]
        blocks.append(Items(providers_of(half)))
    if len(half.causes) > 1 or (half.causes and half.kind != "reply"):
        blocks += [Heading(labels["causes"], 2), Paragraph(labels["causes_why"])]
        groups = saying.by_family(half.causes, language)
        blocks.append(Facts(tuple((name, ", ".join(f"`{c}`" for c in of)) for name, of in groups)))
    if half.related or half.links:
        blocks.append(Heading(labels["next"], 2))
    if half.related:
        blocks.append(Items(tuple(f"`ulak codes {r.key}`: {r.title}" for r in half.related)))
    if half.links:
        blocks.append(Links(half.links))
    return Document(language, tuple(blocks))


def told_of(half: Side, language: str, level: int) -> list[Block]:
    """Give what a reply means, when it is seen, and how it is fixed."""
    labels = texts.page("labels", language)
    blocks: list[Block] = [Heading(labels["means"], level), Paragraph(half.means)]
    blocks += [Heading(labels["seen_when"], level), Paragraph(half.seen_when)]
    blocks.append(Heading(labels["fix"], level))
    for steps, label in ((half.fix_sender, "fix_sender"), (half.fix_operator, "fix_operator")):
        if steps:
            blocks.append(Items(steps, labels[label], numbered=len(steps) > 1))
    return blocks


def blocks_of(half: Side, language: str) -> list[Block]:
    """Give the part of a comparison that tells of one side."""
    labels = texts.page("labels", language)
    blocks: list[Block] = [Heading(f"{half.key}: {half.title}"), *told_of(half, language, 3)]
    if half.providers:
        blocks += [Heading(labels["providers"], 3), Items(providers_of(half))]
    return [*blocks, *few_causes(half, language)]


def few_causes(half: Side, language: str) -> list[Block]:
    """Name the most telling causes behind a code, one of each of the first families."""
    groups = saying.by_family(half.causes, language)
    if half.kind == "reply" or len(half.causes) <= _FEW:
        return []
    words = texts.page("compare", language)["causes_few"]
    causes = ", ".join(f"`{names[0]}`" for _, names in groups[:_FEW])
    return [Paragraph(str(words).format(a=half.key, causes=causes, number=len(half.causes)))]


def providers_of(half: Side) -> tuple[str, ...]:
    """Say of each provider what it means by a code."""
    unregistered = half.standing == "unregistered"
    return tuple(
        f"{p.name} ({', '.join(f'`{r}`' for r in p.replies)}): {p.means}"
        + ("" if unregistered else f" {p.fix}")
        for p in half.providers
    )


def _facts(half: Side, language: str) -> Facts:
    labels, names = texts.page("labels", language), texts.page("class", language)
    rows: list[tuple[str, str]] = []
    if half.kind == "code":
        rows.append((labels["class"], names[str(half.severity)]))
    elif half.open or half.kind == "enhanced":
        rows += _classes(half, language)
    else:
        rows.append((labels["class"], names[str(half.severity)]))
        each = half.basic_codes or (half.code or "-",)
        rows.append((labels["code"], ", ".join(map(str, each))))
        if half.enhanced is not None:
            rows.append((labels["enhanced"], half.enhanced))
        if half.words:
            rows.append((labels["words"], half.words))
    if half.standing:
        rows.append((labels["standing"], texts.page("standing", language)[half.standing]))
    if half.family is not None:
        family = texts.page("families", language).get(half.family, half.family)
        rows.append((labels["family"], f"{family} (`{half.family}`)"))
    rows += _stages(half, language)
    lasts = "open" if half.open and half.permanence == "unclear" else half.permanence
    rows.append((labels["final"], texts.page("final", language)[lasts]))
    if half.basic_codes and half.kind == "enhanced":
        rows.append((labels["basic_codes"], ", ".join(map(str, half.basic_codes))))
    if half.enhanced_codes:
        rows.append((labels["enhanced_beside"], ", ".join(half.enhanced_codes)))
    if half.links:
        rows.append((labels["defined"], "; ".join(title for title, _ in half.links)))
    return Facts(tuple(rows))


def _stages(half: Side, language: str) -> list[tuple[str, str]]:
    labels = texts.page("labels", language)
    rows: list[tuple[str, str]] = []
    label = labels["belongs" if half.kind == "enhanced" else "answers"]
    if half.answers:
        rows.append((label, stage_list(half.answers, language)))
    elif half.kind == "code":
        rows.append((label, labels["no_command"]))
    elif half.standing in ("registered", "deprecated"):
        rows.append((label, labels["reports_only"]))
    if half.in_practice:
        rows.append((labels["in_practice"], stage_list(half.in_practice, language)))
    return rows


def _classes(half: Side, language: str) -> list[tuple[str, str]]:
    """Say with which classes an enhanced code comes, each as the code that is seen."""
    labels, short = texts.page("labels", language), texts.page("class_short", language)
    rows: list[tuple[str, str]] = []
    for digits, label in ((half.classes, "classes"), (half.seen, "classes_seen")):
        if digits:
            each = ", ".join(f"{d}{half.key[1:]} ({short[str(d)]})" for d in digits)
            rows.append((labels[label], each))
    return rows
