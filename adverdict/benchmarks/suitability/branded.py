"""Simulated branded content, and what only looks like it. Every brand and person in it is invented; who wrote it knew the rule's idea, so
that figures on it are the best that can be hoped for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import product

import numpy as np

from adverdict.domain.ad import Ad

BRANDS = ("Velmora", "Nordlyx", "Tamsea", "Orriva", "Kestrelle", "Bluvano", "Pinefold", "Zarelia")
GIVEN = {
    "en": (
        "{b} sent me their new serum last week.",
        "Unboxing what {b} gifted me!",
        "My code {c} gives you 20 % off at {b}.",
        "I spent the weekend at the spa, hosted by {b}.",
        "The people at {b} let me keep the bag.",
    ),
    "de": (
        "{b} hat mir das neue Serum zugeschickt.",
        "Ich habe die Tasche von {b} geschenkt bekommen.",
        "Mit dem Code {c} spart ihr bei {b}, ich verlinke alles.",
        "Ich war übers Wochenende eingeladen von {b}.",
        "Die Tasche durfte ich von {b} behalten.",
    ),
    "fr": (
        "{b} m'a envoyé son nouveau sérum.",
        "Ce sac m'a été offert par {b}.",
        "Mon code {c} vous donne -20 % chez {b}.",
        "J'ai passé le week-end au spa, invité par {b}.",
        "{b} m'a laissé garder le sac.",
    ),
    "es": (
        "Los de {b} me han enviado su nuevo sérum.",
        "Este bolso me lo regalaron en {b}, me encanta abrir regalos.",
        "Con mi código {c} tenéis un 20 % en {b}.",
        "Pasé el finde en el spa, invitada por {b}.",
        "En {b} me dejaron quedarme con el bolso.",
    ),
    "pt": (
        "A {b} me enviou o novo sérum.",
        "Recebidos da {b}, olhem que minha semana começou bem!",
        "Usem meu cupom {c} na {b}, 20 % de desconto.",
        "Passei o fim de semana no spa, convidada pela {b}.",
        "A {b} deixou eu ficar com a bolsa.",
    ),
    "sv": (
        "{b} har skickat sitt nya serum till mig.",
        "Väskan har jag fått av {b}.",
        "Med min kod {c} får ni 20 % hos {b}.",
        "I helgen var jag på spa, inbjuden av {b}.",
        "Jag fick behålla väskan från {b}.",
    ),
}
PRAISE = {
    "en": ("I love it.", "You need this.", "It is my holy grail.", "Honestly my skin has never looked better.", "Go get one!"),
    "de": ("Ich liebe es.", "Kann ich nur empfehlen.", "Müsst ihr unbedingt probieren.", "Meine Haut war nie schöner.", "Mein Liebling."),
    "fr": ("J'adore.", "Je vous recommande.", "Gros coup de cœur.", "Ma peau n'a jamais été aussi belle.", "Foncez !"),
    "es": ("Me encanta.", "Os lo recomiendo.", "Es imprescindible.", "Nunca había tenido la piel así.", "Tenéis que probarlo."),
    "pt": ("Amei.", "Recomendo muito.", "Virou meu favorito.", "Minha pele nunca esteve tão boa.", "Corram!"),
    "sv": ("Jag älskar det.", "Rekommenderar verkligen.", "En favorit.", "Min hy har aldrig varit finare.", "Spring och köp!"),
}
TAGS = {
    "en": ("#ad", "Paid partnership with {b}.", "Advertisement"),
    "de": ("#werbung", "Anzeige", "Werbung für {b}"),
    "fr": ("#publicité Publicité", "Collaboration commerciale", "Partenariat rémunéré avec {b}"),
    "es": ("#publi", "Publicidad", "Colaboración pagada con {b}"),
    "pt": ("#publi", "Publicidade", "Parceria paga com {b}"),
    "sv": ("#reklam", "Annons", "Reklam för {b}"),
}
HARMLESS = {
    "en": (
        ("nobody paid", "Bought it myself: I love the {b} serum, use it every night, my favorite."),
        ("nobody paid", "Not sponsored, I just love what {b} makes and recommend it to my sister."),
        ("its own shop", "You will love our new serum. Use code {c} at {b} until Sunday."),
        ("its own shop", "{b} favourites are back. Gifted sets wrapped for free, try them today."),
        ("a review", "I tried six serums for a month. {b} is the one I recommend, Tamsea the one I would skip."),
        ("a job", "Become a {b} ambassador: paid part-time job, apply by May."),
        ("a sponsor", "The Harbour Run is sponsored by {b}. Everybody loved it last year, join us."),
        ("a gift", "My mother loved the {b} scarf I gave her. Free gift wrapping in December."),
    ),
    "de": (
        ("nobody paid", "Selbst gekauft: ich liebe das Serum von {b} und empfehle es jeder Freundin."),
        ("its own shop", "Unser neues Serum werdet ihr lieben. Mit dem Code {c} spart ihr bei {b} bis Sonntag."),
        ("a review", "Ich habe sechs Seren getestet. Das von {b} kann ich empfehlen, Tamsea nicht."),
        ("a job", "{b} sucht Markenbotschafter in Teilzeit, bezahlt. Jetzt bewerben."),
        ("a sponsor", "Der Hafenlauf wird gesponsert von {b}. Das Beste am Sommer, macht mit."),
    ),
    "fr": (
        ("nobody paid", "Acheté moi-même : j'adore le sérum {b} et je le recommande."),
        ("its own shop", "Vous allez adorer notre nouveau sérum. Avec le code {c}, -20 % chez {b} jusqu'à dimanche."),
        ("a review", "J'ai testé six sérums. Je recommande celui de {b}, pas celui de Tamsea."),
        ("a job", "{b} recherche une ambassadrice à temps partiel, poste rémunéré."),
        ("a sponsor", "La course du port est sponsorisée par {b}. Essayez, tout le monde adore."),
    ),
    "es": (
        ("nobody paid", "Lo he comprado yo: me encanta el sérum de {b} y lo recomiendo."),
        ("its own shop", "Te va a encantar nuestro nuevo sérum. Con el código {c}, 20 % en {b} hasta el domingo."),
        ("a review", "He probado seis sérums. Recomiendo el de {b}, no el de Tamsea."),
        ("a job", "{b} busca embajadora a media jornada, puesto remunerado."),
        ("a sponsor", "La carrera del puerto está patrocinada por {b}. Lo mejor del verano."),
    ),
    "pt": (
        ("nobody paid", "Não é publi: amei o sérum da {b} e recomendo."),
        ("its own shop", "Vocês vão amar o novo sérum. Com o cupom {c}, 20 % na {b} até domingo."),
        ("a review", "Testei seis séruns. Recomendo o da {b}, não o da Tamsea."),
        ("a job", "A {b} procura embaixadora em meio período, vaga remunerada."),
        ("a sponsor", "A corrida do porto é patrocinada pela {b}. O melhor do verão."),
    ),
    "sv": (
        ("nobody paid", "Köpt själv: jag älskar serumet från {b} och rekommenderar det."),
        ("its own shop", "Du kommer att älska vårt nya serum. Med koden {c} får du 20 % hos {b} till söndag."),
        ("a review", "Jag har testat sex serum. Jag rekommenderar det från {b}, inte Tamsea."),
        ("a job", "{b} söker ambassadör på deltid, betalt arbete."),
        ("a sponsor", "Hamnloppet är sponsrat av {b}. Sommarens bästa dag, testa du också."),
    ),
}
CODES = ("MIRA20", "SOMMAR15", "GLOW10", "LEA25")


@dataclass(frozen=True)
class Post:
    """An ad with its truth. ``kind``: what it is, or what it only looks like."""

    ad: Ad
    language: str
    kind: str
    undisclosed: bool


def posts(each: int, seed: int) -> list[Post]:
    """``each`` of branded content that does not say so and as many hard negatives, a language."""
    rng, made = np.random.default_rng(seed), list[Post]()
    for language in GIVEN:
        for kind, texts, undisclosed in (("branded", _branded(language), True), ("", _negatives(language), False)):
            found = list(texts)
            chosen = rng.permutation(len(found))[:each]
            for number in sorted(chosen.tolist()):
                told, text, declared = found[number]
                made.append(Post(_ad(len(made), language, text, declared), language, kind or told, undisclosed))
    return made


def _branded(language: str) -> Iterator[tuple[str, str, bool | None]]:
    for given, praise, brand, code in product(GIVEN[language], PRAISE[language], BRANDS, CODES):
        yield "branded", f"{given} {praise}".format(b=brand, c=code), None


def _negatives(language: str) -> Iterator[tuple[str, str, bool | None]]:
    """Every kind about as often: branded content that says so in words or by its field, and what is none."""
    for number, (given, praise, brand) in enumerate(product(GIVEN[language], PRAISE[language], BRANDS)):
        tag, code = TAGS[language][number % len(TAGS[language])], CODES[number % len(CODES)]
        if number % 5 == 0:
            yield "disclosed in words", f"{given} {praise} {tag}".format(b=brand, c=code), None
        if number % 5 == 1:
            yield "declared", f"{given} {praise}".format(b=brand, c=code), True
    for (kind, text), brand, code in product(HARMLESS[language], BRANDS, CODES):
        yield kind, text.format(b=brand, c=code), None


def _ad(number: int, language: str, text: str, declared: bool | None) -> Ad:
    return Ad(
        ad_id=f"post-{number}",
        advertiser_id=f"creator-{number}",
        market="GB",
        submitted_at=datetime(2026, 5, 1, tzinfo=UTC),
        language=language,
        body=text,
        paid_partnership=declared,
    )
