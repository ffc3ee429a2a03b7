"""Words of branded content, by language: what is given, what is recommended, who speaks, and how it is said that somebody paid.

In small letters. Written for this rule; no list of any authority's, and no legal advice.
"""

from __future__ import annotations

INCENTIVES = {
    "en": "gifted|sent me|sent us|free product|free sample|paid partnership|sponsored|commission|affiliate|my code|use code|use my|"
    "discount code|promo code|in exchange for|invited me|invited us|hosted by|kindly provided|thanks to .{1,30} for sending|pr package|"
    "ambassador|partnered with|teamed up with|collab with|link in bio",
    "de": "geschenkt bekommen|zugeschickt|kostenlos bekommen|zur verfugung gestellt|zur verfügung gestellt|mein code|"
    "meinem code|mit dem code|"
    "rabattcode|provision|affiliate|gesponsert|eingeladen von|in kooperation mit|zusammenarbeit mit|markenbotschafter",
    "fr": "offert par|m'a offert|m'ont offert|envoyé par|m'a envoyé|m'ont envoyé|mon code|avec le code|code promo|"
    "commission|affilié|sponsorisé|"
    "invité par|en partenariat avec|ambassadrice|ambassadeur|en collaboration avec",
    "es": "me han enviado|me enviaron|me ha regalado|me regalaron|regalo de|mi código|con el código|código de descuento|"
    "comisión|afiliado|"
    "patrocinado|invitada por|invitado por|en colaboración con|colaboro con|embajadora|embajador",
    "pt": "me enviou|me enviaram|ganhei da|presente da|recebi da|recebidos|meu código|meu cupom|com o cupom|com o código|"
    "comissão|afiliado|"
    "patrocinado|convidada pela|convidado pela|em parceria com|embaixadora|embaixador",
    "sv": "fått av|har skickat|skickade mig|min kod|med koden|rabattkod|provision|affiliate|sponsrad|inbjuden av|"
    "i samarbete med|ambassadör",
    "hi": "ने भेजा|मुफ़्त में मिला|मुफ्त में मिला|मेरा कोड|कोड इस्तेमाल|कूपन कोड|कमीशन|प्रायोजित|के साथ साझेदारी|के सहयोग से",
    "ar": "أرسلت لي|ارسلت لي|أهدتني|اهدتني|هدية من|كود الخصم|استخدموا كود|استخدم كود|كودي|عمولة|برعاية|بالتعاون مع|دعتني|سفيرة|سفير",
    "ja": "提供していただ|いただきました|プレゼントして|クーポンコード|割引コード|私のコード|アフィリエイト|ご招待|アンバサダー|コラボ",
}
RECOMMENDATIONS = {
    "en": "love|loving|obsessed|recommend|must have|must-have|favourite|favorite|game changer|holy grail|try it|try them|"
    "you need|you have to|"
    "go get|changed my|best .{1,20} ever|can't live without|swear by|10/10|worth every",
    "de": "liebe|empfehle|empfehlen|empfehlung|lieblings|muss man haben|probiert|probier|begeistert|unbedingt|ausprobieren|das beste",
    "fr": "j'adore|adore|je recommande|je vous recommande|coup de cœur|coup de coeur|incontournable|essayez|testez|"
    "préféré|préférée|à tester",
    "es": "me encanta|me encantan|recomiendo|os recomiendo|imprescindible|favorito|favorita|probadlo|pruébalo|tenéis que|lo mejor",
    "pt": "amei|amo|adorei|recomendo|indispensável|favorito|favorita|experimentem|testem|precisam|o melhor|apaixonada|apaixonado",
    "sv": "älskar|rekommenderar|favorit|måste ha|testa|prova|bästa|supernöjd",
    "hi": "पसंद है|पसंद आया|सलाह|ज़रूर आज़मा|जरूर आजमा|ज़रूर ट्राई|सबसे अच्छा|पसंदीदा",
    "ar": "أحب|احب|أنصح|انصح|أنصحكم|انصحكم|جربوا|جربوه|المفضل|المفضلة|لازم|الأفضل|رائع",
    "ja": "おすすめ|オススメ|大好き|お気に入り|試してみて|最高|愛用|手放せない",
}
DISCLOSURES = (
    "#ad|#ads|#advert|#advertisement|#sponsored|#paidpartnership|#gifted|#werbung|#anzeige|#pub|#publi|#publicidad|#publicidade|#reklam|"
    "#annons|#reklame|#pr|#提供|#広告|#إعلان|#اعلان|#विज्ञापन|#collaborationcommerciale|"
    "paid partnership|advertisement|this is an ad|sponsored by|anzeige|werbung|reklam|annons|publicité|collaboration commerciale|"
    "partenariat rémunéré|publicidad|colaboración pagada|publicidade|parceria paga|publi|विज्ञापन|पेड पार्टनरशिप|"
    "إعلان|اعلان|شراكة مدفوعة|広告|提供:"
)
DENIALS = (
    "not sponsored|not an ad|nobody paid|no one paid|bought it myself|bought them myself|paid for it myself|"
    "my own money|unpaid|nicht gesponsert|"
    "keine werbung|unbezahlt|selbst gekauft|selbst bezahlt|non sponsorisé|acheté moi-même|payé moi-même|"
    "no patrocinado|lo compré yo|lo he comprado yo|"
    "não é publi|comprei com meu|paguei do meu|ej sponsrad|inte sponsrat|köpt själv|köpte själv|खुद खरीदा|"
    "अपने पैसे|اشتريته بنفسي|من مالي|自腹|自分で買|購入しました"
)
PERSONS = (
    "recomiendo|recomendo|pasé|passei|probé|testei|usé|usei|i|i'm|i've|my|me|ich|mein|meine|meinem|meinen|meiner|"
    "mir|mich|je|j'ai|j'adore|mon|ma|mes|moi|m'a|m'ont|yo|mi|mis|me|eu|meu|minha|meus|"
    "minhas|amei|adorei|ganhei|recebi|jag|min|mitt|mina|mig|मैं|मैंने|मेरा|मेरी|मेरे|मुझे|أنا|انا|لي|عندي|كودي|"
    "تجربتي|أحب|احب|أنصحكم|انصحكم|"
    "私|わたし|僕|俺|いただきました|愛用"
)
"""One person who speaks for themself: a shop that praises its own goods is its own advertiser, and everybody sees that."""
