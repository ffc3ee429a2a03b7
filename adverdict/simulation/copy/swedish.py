"""Swedish copy."""

from __future__ import annotations

from adverdict.simulation.copy.pack import Copy, phrases, topic

SWEDISH = Copy(
    language="sv",
    joiner=" ",
    relation=(
        "Ingår {f}: {yes}. Ingår inte {g}: {no}.",
        "Ingår inte {g}: {no}. Ingår {f}: {yes}.",
        "Ja {f} till {yes}, nej {g} till {no}.",
        "Det du får {f} är {yes}, det du inte hittar {g} är {no}.",
        "I stället för {no} får du {f} {yes}.",
        "Du får {f} {yes} i stället för {no}.",
    ),
    unclear=phrases("{a} eller {b}? Titta in. | Allt om {a} och {b}. | {a}, {b} och mer. | Vi pratar om {a} och {b}."),
    warning=phrases("Någon lovar ”{x}” Gå därifrån. | Så avslöjade läsarna det: ”{x}” | ”{x}” Så skriver andra, aldrig vi."),
    pitch=phrases("{x} | Andra döljer det, vi skriver det: ”{x}” | Du läste rätt: ”{x}” | Läsarna avslöjade det: ”{x}”"),
    plain=phrases("Du får {no} {f}. | {f}: {no}. | Fråga efter {no} {f}."),
    fillers=phrases(
        "den här veckan | i varje butik | som alltid | från första dagen | hela säsongen | på begäran | i din stad | "
        "för medlemmar | dygnet runt | till söndag"
    ),
    goods=phrases(
        "löparskor | trädgårdsstolar | havrekakor | vinterrockar | cykellampor | läsglasögon | köksknivar | skolväskor | "
        "pianolektioner | regnjackor"
    ),
    claims=phrases(
        "Fri frakt över 300. | Två års garanti. | Nya färger har kommit. | Beställ i dag, hämta i morgon. | "
        "Så länge lagret räcker! | Fri retur i 30 dagar. | Upp till 40 % rabatt. | Ingen risk: prova först, betala sedan."
    ),
    calls=phrases("Köp nu | Läs mer | Anmäl dig | Boka i dag | Hämta erbjudandet"),
    topics={
        "deceptive": topic(
            offers="sparplan | börskurs | hemarbetspaket | bantningste",
            yes=(
                "garanterad vinst | dubblad insättning | omedelbara resultat | hemliga börstips | rikedom över en natt | "
                "inkomst utan arbete"
            ),
            no="tydliga avgifter | tryckt riskinformation | oberoende råd | betänketid | granskade siffror | läsbart finstilt",
            blunt="Läkare hatar detta enda knep! | Dubbla sparpengarna på 7 dagar, garanterat. | 15 kilo mindre till fredag.",
            late="Handelsroboten som bankerna fruktar betalar varje dag. | Ditt arv väntar, betala bara budet.",
        ),
        "gambling": topic(
            offers="kasinokväll | spelautomat | sportkväll | pokerbord",
            yes=(
                "spel om riktiga pengar | kontantjackpottar | insatser utan gräns | insättningsbonus | liveodds för kontanter | "
                "snabba uttag"
            ),
            no="bara låtsasmynt | en gratis demo | ett övningsbord | poäng till tabellen | en förlustgräns | pokaler av papper",
            blunt="Satsa 10, spela för 50. | Snurra nu och ta ut på några minuter! | Första insättningen dubblas, spela i kväll.",
            late="Lägg krypto på hjulet, inga frågor. | Tippa matchen, betalt före slutsignalen.",
        ),
        "kids_unsuitable": topic(
            offers="tecknad kanal | dockfilm | äventyrsspel | sagoapp",
            yes="blodiga jakter | skrikande dockor | skräckögonblick | dryckeslekar | utmaningar med eld | zombiejakter",
            no="lugna sånger | räknelekar | godnattsagor | snälla djur | målarbilder | ett föräldrahörn",
            blunt=(
                "Dockan vaknar och ingen kommer ut. | Testa eldutmaningen innan mamma kommer hem. | Han svingar yxan och skolan tystnar."
            ),
            late="Maskmannen vet vilket fönster som är ditt. | Nivå 9: gräv ner läraren före rasten.",
        ),
        "political_issue": topic(
            offers="stadsbrev | medborgarkväll | podd | lokaltidning",
            yes=(
                "en röst på Alpartiet | kravet på lägre gränsskatt | stöd till Mira Voss | stopp för nattflyg | "
                "gåvor till kampanjen | en marsch mot dammen"
            ),
            no=(
                "en neutral tidtabell | vägen till vallokalen | en lektion om parlament | båda sidor i sin helhet | "
                "stadshusets öppettider | väder och trafik"
            ),
            blunt="Skicka Mira Voss till huvudstaden i maj. | De sålde vår hamn. Rösta bort dem. | Stoppa gränsskatten.",
            late="Dammen dränker tre byar, säg nej. | Hyra är stöld: Lyktlistan gör slut på den.",
        ),
        "counterfeit": topic(
            offers="designklocka | handväska | gymnastikskor | solglasögon",
            yes=(
                "kopior av {brand} | en logga precis som {brand} | förstklassiga repliker | en förfalskning ingen märker | "
                "falska intyg | omärkta paket"
            ),
            no="intyg från {brand} | serienummer | kassakvitto | reparation hos {brand} | auktoriserade handlare | en egen design",
            blunt=(
                "Samma fabrik som {brand}, en tiondel av priset. | Ingen märker att det inte är {brand}. | "
                "1:1 som {brand}, med ask och papper."
            ),
            late="{brand} från nattskiftet. | Märket från {brand} kommer i ett andra brev.",
        ),
        "weapons": topic(
            offers="samlarbutik | friluftsbutik | skjutbanedag | rekvisita",
            yes="fungerande pistoler | skarpa patroner | dolda blad | oregistrerade gevär | ljuddämpare | knogjärn",
            no="skumpilar | trubbig rekvisita | vattenpistoler | licenskontroll | plastsvärd | en säkerhetskurs",
            blunt="Ryms i fickan och skjuter nio gånger. | Inga papper, skickas i två lådor. | Bygg klart hemma, valfritt nummer.",
            late="Skriv ut stommen i kväll, vi skickar pipan. | Ser ut som en nyckel, öppnas som ett blad.",
        ),
        "adult": topic(
            offers="dejtingapp | chattlinje | fotoklubb | nattbar",
            yes=(
                "avklädda bilder | privata webbkameror | chatt bara för vuxna | en natt med främlingar | ocensurerade klipp | "
                "betalt sällskap"
            ),
            no="granskade profiler | fika med grannar | promenader i parken | porträtt i kostym | en bokcirkel | danslektioner",
            blunt="Hon bor två gator bort och har tråkigt. | Inget på, kameran på. | Inga namn, en natt, i kväll.",
            late="Din AI-flickvän tar av mer för varje nivå. | Lås upp hennes andra album.",
        ),
        "phishing": topic(
            offers="{brand}-konto | {brand}-paket | {brand}-kort | {brand}-brevlåda",
            yes=(
                "ett formulär för ditt lösenord | ett fält för kortnumret | en fråga om din PIN | en länk för att bekräfta dig | "
                "en skanning av passet | en fråga om engångskoden"
            ),
            no=(
                "ett brev med posten | en tid på kontoret | inloggning bara i appen | hjälp utan länk | ett besök i luckan | "
                "ett blad om säkra lösenord"
            ),
            blunt=(
                "Ditt {brand}-konto är låst, bekräfta här. | Ditt {brand}-paket väntar: betala 19, ange kortet. | "
                "{brand}: okänd inloggning, bekräfta inom 24 timmar."
            ),
            late="{brand} byter till passkeys, skanna nu. | Hej mamma, nytt nummer, {brand} vill ha koden.",
        ),
    },
)
