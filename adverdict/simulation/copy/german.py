"""German copy."""

from __future__ import annotations

from adverdict.simulation.copy.pack import Copy, phrases, topic

GERMAN = Copy(
    language="de",
    joiner=" ",
    relation=(
        "Dabei {f}: {yes}. Nicht dabei {g}: {no}.",
        "Nicht dabei {g}: {no}. Dabei {f}: {yes}.",
        "Ja {f} zum Thema {yes}, nein {g} zum Thema {no}.",
        "Was Sie {f} bekommen: {yes}. Was Sie {g} nicht finden: {no}.",
        "Was Sie {g} nicht finden: {no}. Was Sie {f} bekommen: {yes}.",
        "Statt {no} gibt es {f} {yes}.",
        "Es gibt {f} {yes} statt {no}.",
    ),
    unclear=phrases("{a} oder {b}? Schauen Sie rein. | Alles über {a} und {b}. | {a}, {b} und mehr. | Reden wir über {a} und {b}."),
    warning=phrases("Jemand verspricht „{x}“ Finger weg. | Daran haben Leser es erkannt: „{x}“ | „{x}“ So schreiben andere, wir nie."),
    pitch=phrases(
        "{x} | Andere verschweigen es, wir schreiben es: „{x}“ | Sie lesen richtig: „{x}“ | Unsere Leser haben es erkannt: „{x}“"
    ),
    plain=phrases("Sie bekommen {f} {no}. | {f}: {no}. | Fragen Sie {f} nach: {no}."),
    fillers=phrases(
        "diese Woche | in jeder Filiale | wie immer | ab dem ersten Tag | die ganze Saison | auf Wunsch | in Ihrer Stadt | "
        "für Mitglieder | rund um die Uhr | bis Sonntag"
    ),
    goods=phrases(
        "Laufschuhe | Gartenstühle | Haferkekse | Wintermäntel | Fahrradlampen | Lesebrillen | Küchenmesser | Schulranzen | "
        "Klavierstunden | Regenjacken"
    ),
    claims=phrases(
        "Ab 30 Euro versandkostenfrei. | Zwei Jahre Garantie. | Neue Farben sind da. | Heute bestellt, morgen abgeholt. | "
        "Nur solange der Vorrat reicht! | 30 Tage kostenlose Rückgabe. | Bis zu 40 % Rabatt. | "
        "Kein Risiko: erst testen, dann zahlen. | Schnell sein lohnt sich."
    ),
    calls=phrases("Jetzt kaufen | Mehr erfahren | Anmelden | Termin buchen | Angebot sichern"),
    topics={
        "deceptive": topic(
            offers="Sparplan | Börsenkurs | Heimarbeitspaket | Schlanktee",
            yes=(
                "garantierter Gewinn | verdoppelte Einlagen | sofortige Ergebnisse | geheime Börsentipps | Reichtum über Nacht | "
                "Einkommen ohne Arbeit"
            ),
            no=(
                "klare Gebühren | gedruckte Risikohinweise | unabhängige Beratung | eine Bedenkzeit | geprüfte Zahlen | "
                "lesbares Kleingedrucktes"
            ),
            blunt=(
                "Ärzte hassen diesen einen Trick! | Verdoppeln Sie Ihr Erspartes in 7 Tagen, garantiert. | "
                "15 Kilo weniger bis Freitag, ohne Verzicht."
            ),
            late="Der Handelsroboter, den die Banken fürchten, zahlt täglich. | Ihr Erbe wartet, zahlen Sie nur den Kurier.",
        ),
        "gambling": topic(
            offers="Casinoabend | Automatenspiel | Sportabend | Pokertisch",
            yes=(
                "Wetten um Echtgeld | Bargeld-Jackpots | Einsätze ohne Limit | ein Einzahlungsbonus | Live-Quoten für Bares | "
                "sofortige Auszahlungen"
            ),
            no=(
                "reine Spielmünzen | eine kostenlose Demo | ein Übungstisch | Punkte für die Tabelle | ein Verlustlimit | Pokale aus Papier"
            ),
            blunt="10 setzen, mit 50 spielen. | Jetzt drehen und in Minuten auszahlen! | Erste Einzahlung verdoppelt, heute wetten.",
            late="Krypto aufs Glücksrad, keine Fragen. | Tippen Sie das Spiel, Geld vor dem Abpfiff.",
        ),
        "kids_unsuitable": topic(
            offers="Trickfilmkanal | Puppenfilm | Abenteuerspiel | Geschichten-App",
            yes="blutige Verfolgungen | schreiende Puppen | Schreckmomente | Trinkspiele | Mutproben mit Feuer | Zombiejagden",
            no="sanfte Lieder | Zählspiele | Gutenachtgeschichten | freundliche Tiere | Ausmalbilder | eine Elternecke",
            blunt=(
                "Die Puppe erwacht und keiner kommt heraus. | Mach die Feuerprobe, bevor Mama kommt. | "
                "Er schwingt die Axt und die Schule wird still."
            ),
            late="Der Maskenmann kennt dein Kinderzimmer. | Level 9: vergrabe den Lehrer vor der Pause.",
        ),
        "political_issue": topic(
            offers="Stadtbrief | Bürgerabend | Podcast | Lokalblatt",
            yes=(
                "eine Stimme für die Erlenpartei | der Ruf nach weniger Grenzsteuer | Hilfe für Mira Voss | "
                "ein Nachtflugverbot | Spenden für den Wahlkampf | ein Marsch gegen den Damm"
            ),
            no=(
                "ein neutraler Fahrplan | der Weg zum Wahllokal | eine Stunde über Parlamente | beide Seiten im Wortlaut | "
                "Öffnungszeiten des Rathauses | Wetter und Verkehr"
            ),
            blunt=(
                "Schickt Mira Voss im Mai in die Hauptstadt. | Sie haben unseren Hafen verkauft. Wählt sie ab. | Stoppt die Grenzsteuer."
            ),
            late="Der Damm ertränkt drei Dörfer, sagt Nein. | Miete ist Diebstahl: die Laternenliste beendet sie.",
        ),
        "counterfeit": topic(
            offers="Designeruhr | Handtasche | Turnschuhe | Sonnenbrille",
            yes=(
                "Kopien von {brand} | ein Logo wie von {brand} | erstklassige Repliken | {brand}-Doppelgänger | "
                "ein gefälschtes Zertifikat | neutrale Päckchen"
            ),
            no=(
                "ein Zertifikat von {brand} | eine Seriennummer | ein Kassenbon | Reparaturen bei {brand} | "
                "autorisierte Händler | ein eigener Entwurf"
            ),
            blunt=(
                "Gleiche Fabrik wie {brand}, ein Zehntel des Preises. | Niemand merkt, dass es nicht {brand} ist. | "
                "1:1 wie {brand}, mit Schachtel und Papieren."
            ),
            late="{brand} aus der Nachtschicht. | Das {brand}-Abzeichen kommt im zweiten Brief.",
        ),
        "weapons": topic(
            offers="Sammlerladen | Outdoorgeschäft | Schießstandtag | Requisitenverleih",
            yes=(
                "schussfähige Pistolen | scharfe Patronen | versteckte Klingen | nicht registrierte Gewehre | Schalldämpfer | Schlagringe"
            ),
            no=(
                "Schaumstoffpfeile | stumpfe Requisiten | Wasserspritzen | eine Prüfung der Erlaubnis | Plastikschwerter | "
                "ein Sicherheitskurs"
            ),
            blunt=(
                "Passt in die Tasche und schießt neunmal. | Keine Papiere nötig, Versand in zwei Kartons. | "
                "Zum Fertigbauen daheim, Nummer nach Wahl."
            ),
            late="Rahmen heute drucken, wir schicken den Lauf. | Sieht aus wie ein Schlüssel, öffnet wie eine Klinge.",
        ),
        "adult": topic(
            offers="Dating-App | Chatlinie | Fotoclub | Nachtbar",
            yes=(
                "hüllenlose Fotos | private Webcam-Shows | Chats nur für Erwachsene | eine Nacht mit Fremden | "
                "unzensierte Clips | bezahlte Begleitung"
            ),
            no="geprüfte Profile | Kaffee mit Nachbarn | Spaziergänge im Park | Porträts im Anzug | ein Buchclub | Tanzstunden",
            blunt="Sie wohnt zwei Straßen weiter und langweilt sich. | Nichts an, Kamera an. | Keine Namen, eine Nacht, heute.",
            late="Deine KI-Freundin zieht mit jedem Level mehr aus. | Schalte ihr zweites Album frei.",
        ),
        "phishing": topic(
            offers="{brand}-Konto | {brand}-Paket | {brand}-Karte | {brand}-Postfach",
            yes=(
                "ein Formular für Ihr Passwort | ein Feld für Ihre Kartennummer | die Frage nach Ihrer PIN | "
                "ein Link zur Bestätigung | ein Scan Ihres Ausweises | die Bitte um den Einmalcode"
            ),
            no=(
                "ein Brief per Post | ein Termin in der Filiale | Anmeldung nur in der App | Hilfe ohne Link | "
                "ein Besuch am Schalter | ein Merkblatt zu Passwörtern"
            ),
            blunt=(
                "Ihr {brand}-Konto ist gesperrt, hier bestätigen. | {brand}-Paket angehalten: 1,99 zahlen, Karte eingeben. | "
                "{brand}: fremde Anmeldung, in 24 Stunden prüfen."
            ),
            late="{brand} wechselt zu Passkeys, jetzt scannen. | Hallo Mama, neue Nummer, {brand} braucht den Code.",
        ),
    },
)
