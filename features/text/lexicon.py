"""Words that signals look for, in small letters, in the languages of the markets this was first built for.

Lists of plain words, to be read and extended by people who know a language; none of them decides anything alone.
"""

from __future__ import annotations


def _words(lines: str) -> frozenset[str]:
    return frozenset(lines.split())


URGENT = _words(
    """
    now today hurry urgent immediately instantly quick quickly fast limited expires ending ends deadline soon last tonight rush asap
    jetzt heute sofort schnell dringend letzte begrenzt nur endet eilig
    maintenant aujourd'hui vite urgent urgence immédiatement dernière derniers limitée limité bientôt
    nu idag snabbt skynda genast sista begränsat snart
    ahora hoy rápido urgente inmediatamente últimos última limitado pronto ya
    agora hoje rápido urgente imediatamente últimas limitada
    сейчас сегодня срочно быстро последний последние спешите успейте скоро
    τώρα σήμερα γρήγορα επείγον άμεσα τελευταία
    अभी आज जल्दी तुरंत आखिरी এখনই আজ আজই দ্রুত জরুরি শেষ දැන් අද ඉක්මනින් ابھی آج جلدی فوری
    الآن اليوم فورا عاجل بسرعة 今すぐ 今日 急いで 限定 至急
    """
)

SUPERLATIVE = _words(
    """
    best greatest perfect ultimate amazing incredible unbelievable miracle secret guaranteed guarantee guarantees proven always never
    top leading cheapest lowest fastest easiest revolutionary breakthrough effortless
    beste bester besten perfekt garantiert garantie unglaublich wunder geheim günstigste bewährt einfachste
    meilleur meilleure parfait garanti garantie incroyable miracle secret prouvé révolutionnaire
    bäst bästa perfekt garanterat garanti otrolig otroligt mirakel hemlig hemlighet billigaste
    mejor mejores perfecto garantizado garantía increíble milagro secreto probado revolucionario
    melhor melhores perfeito garantido garantia incrível milagre segredo
    лучший лучшая лучшие гарантия гарантированно невероятно чудо секрет проверено
    καλύτερο καλύτερη εγγύηση απίστευτο θαύμα μυστικό
    सबसे गारंटी चमत्कार सर्वश्रेष्ठ সেরা গ্যারান্টি অলৌকিক හොඳම සහතික بہترین گارنٹی معجزہ
    أفضل مضمون معجزة سر 最高 最強 絶対 保証 奇跡
    """
)

MONEY = _words(
    """
    money cash dollar dollars euro euros pound pounds loan loans credit profit profits income earn earning earnings invest investment bonus
    jackpot prize win winner refund debt savings payout crypto bitcoin forex gratis free
    geld kredit darlehen gewinn gewinnen einkommen verdienen bargeld kostenlos
    argent crédit prêt gagner gain gains revenu gratuit gratuite
    pengar lån kredit vinst vinna inkomst tjäna
    dinero crédito préstamo ganar ganancia ingresos premio
    dinheiro empréstimo ganhar lucro renda prêmio
    деньги кредит займ выиграть доход заработок бесплатно бонус приз
    χρήματα δάνειο κέρδος δωρεάν पैसा पैसे कमाई लोन मुफ्त টাকা আয় লোন ফ্রি මුදල් ණය නොමිලේ پیسے قرض مفت
    مال أموال قرض ربح مجانا お金 収入 儲かる 無料
    """
)

MESSENGERS = _words("whatsapp telegram viber wechat weixin signal messenger snapchat skype imo zalo kakaotalk discord dm")

CURRENCIES = _words("usd eur gbp sek inr pkr bdt lkr ves bgn brl jpy aed sar dollar dollars euro euros rupees rupee taka kr kronor rs")

PLACEHOLDERS = _words(
    """
    advertisement advertisements advertising sponsored promoted ad ads report 3rd party content banner bottom sidebar close skip
    advertiser recommended loading image anzeige werbung gesponsert publicité annonce sponsorisé annons reklam publicidad anuncio
    реклама спонсорирано διαφήμιση विज्ञापन বিজ্ঞাপন දැන්වීම اشتہار إعلان 広告
    """
)

BRANDS = _words(
    """
    paypal amazon apple google facebook instagram whatsapp netflix microsoft ebay dhl fedex ups usps klarna visa mastercard binance coinbase
    spotify tiktok walmart ikea swish bankid revolut santander hsbc barclays
    """
)
"""Names that strangers borrow for their subdomains."""

HIDDEN = (
    frozenset(word for word in URGENT | SUPERLATIVE | MONEY | MESSENGERS if word.isascii() and word.isalpha() and len(word) > 2)
    | _words(
        """
    account adult alcohol beer bet bets betting blackjack bonus buy call casino casinos cheap cialis cigarette cigarettes click clicks
    cocaine contact cum deal deals discount diet doctor drug drugs easy email fat followers fuck gamble gambling gift girl girls gold
    gun guns hack hacked hacks hot kill lose lottery love marijuana meds milf naked nude nudes offer offers order password pay payday
    pharmacy phone pill pills poker porn porno price prize promo replica rich roulette sale sales save sex sexy shit slim slot slots
    spin spins steroids stocks stream tablet tablets tobacco trade trading vape viagra visit vodka weed weight whiskey wine xanax xxx
    """
    )
) - {"ups", "best", "fast", "top", "last"}
"""Words worth hiding from a filter: one digit for a letter (``cl1ck``) is undone only where one of these comes out."""

WORTH_HIDING = (
    frozenset(word for word in URGENT | SUPERLATIVE | MONEY | MESSENGERS | HIDDEN if word.isalpha() and len(word) > 2)
    | frozenset(word for word in BRANDS if len(word) > 4)
) - {"ups", "asap", "los", "nur"}
"""The same in every script, for tricks that say for certain which letters are meant."""

MONEY_SIGNS = _words(
    """
    kr kr. zł kč rp rp. rs rs. rm s/ bs. lei lekë đ лв лв. руб руб. грн ден. дин. тенге сум лева рублей บาท 元 円 圆 圓 원
    """
)
"""Signs of money in letters that are hardly a word elsewhere; others (Ft, KM) count in their own market only."""

CODES_ALSO_WORDS = _words("all try top mad cup pen gel sos bam mop php cop lak ron sar nad kid std mur ang omr awg bob")
"""ISO 4217 codes that are words or abbreviations in running text; they count in their own market only."""

TO_CALL = _words(
    """
    call tel telefon telephone téléphone phone fon mob mobile mobil handy cell ring whatsapp viber telegram sms text tlf puh
    appelez appel llama llame llamar ligue chiama chiamate bel zadzwoń тел телефон звоните обадете τηλ τηλέφωνο καλέστε
    هاتف اتصل फोन कॉल ফোন කතා ☎ ☏ ✆ 📞 📱 電話 电话 お電話
    """
)
"""What stands before a number to call."""
